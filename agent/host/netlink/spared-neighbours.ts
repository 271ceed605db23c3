/** Counts the neighbours that no limit counts (net/core/neighbour.c, neigh_alloc, since Linux 5.0). */
import type { Family } from '../../address/address.ts';
import { dump, type Gatherer } from './dump.ts';
import { FAMILY, MESSAGE, NDMSG, NETLINK_HEADER } from './message-layout.ts';
import { NetlinkSocket } from './socket.ts';

const NUD_PERMANENT = 0x80;
/** NTF_EXT_LEARNED: a control plane made the entry, such as FRR for EVPN. */
const LEARNED = 0x10;

/** Permanent and learned neighbours of this network namespace. Throws NetlinkError. */
export async function sparedNeighbours(family: Family, signal: AbortSignal): Promise<number> {
  using socket = await NetlinkSocket.open();
  const body = Buffer.alloc(NDMSG.size);
  body[NDMSG.family] = FAMILY[family];
  return await dump(
    socket,
    { get: MESSAGE.getNeighbour, gives: MESSAGE.newNeighbour, body },
    () => new SparedCounter(FAMILY[family]),
    signal,
  );
}

class SparedCounter implements Gatherer<number> {
  readonly #family: number;
  #count = 0;

  constructor(family: number) {
    this.#family = family;
  }

  take(data: Buffer, at: number): false {
    const body = at + NETLINK_HEADER;
    if (data[body + NDMSG.family] !== this.#family) return false;
    const permanent = (data.readUInt16LE(body + NDMSG.state) & NUD_PERMANENT) !== 0;
    if (permanent || (data[body + NDMSG.flags]! & LEARNED) !== 0) this.#count += 1;
    return false;
  }

  result(): number {
    return this.#count;
  }
}
