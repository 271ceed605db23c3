/**
 * The kernel's knowledge of a neighbour on the link: whether a gateway answers (rtnetlink(7), RTM_GETNEIGH; ARP, RFC
 * 4861).
 */
import { constants } from 'node:os';
import ipaddr from 'ipaddr.js';
import type { IpAddress } from '../../address/accepted.ts';
import { familyOf } from '../../address/address.ts';
import { attribute, attributes, FAMILY, FLAG, MESSAGE, message, NDA, NDMSG, NETLINK_HEADER } from './message-layout.ts';
import { change } from './request.ts';
import { errorNumber, kernelError, type NetlinkSocket } from './socket.ts';

/** "Use the neighbour": the kernel asks for it as if a packet were to be sent. */
const NTF_USE = 1;
const NUD_PROBE = 16;
/** Ticks per second, in which the kernel reports ages to processes (USER_HZ). */
const TICKS = 100;

const STATES = {
  0: 'none',
  1: 'incomplete',
  2: 'reachable',
  4: 'stale',
  8: 'delay',
  16: 'probe',
  32: 'failed',
  64: 'noarp',
  128: 'permanent',
} as const;

/** The names of ip-neighbour(8). `none`: the kernel has sent nothing to the neighbour yet, or has forgotten it. */
export type NeighbourState = (typeof STATES)[keyof typeof STATES];

export interface Neighbour {
  readonly state: NeighbourState;
  /** Milliseconds since the neighbour last proved that it is reachable; null if it never did. */
  readonly confirmed: number | null;
}

/** null if this kernel cannot be asked for a single neighbour (before 5.0). Throws NetlinkError. */
export async function neighbour(
  socket: NetlinkSocket,
  { index, gateway }: { index: number; gateway: IpAddress },
  signal: AbortSignal,
): Promise<Neighbour | null> {
  let found: Neighbour | null = { state: 'none', confirmed: null };
  const take = (data: Buffer, at: number, end: number): true => {
    if (data.readUInt16LE(at + 4) === MESSAGE.newNeighbour) found = readNeighbour(data, at + NETLINK_HEADER, end);
    else {
      const errno = errorNumber(data, at, end);
      if (errno === constants.errno.EOPNOTSUPP) found = null;
      else if (errno !== constants.errno.ENOENT) throw kernelError(errno, `neighbour ${gateway}`);
    }
    return true;
  };
  await socket.converse(message(MESSAGE.getNeighbour, 0, 1, ...naming(index, gateway)), take, signal);
  return found;
}

/**
 * Makes the kernel ask the neighbour by ARP or neighbour discovery; the state shows the answer a moment later. `known`:
 * the neighbour's state at the last look. Needs CAP_NET_ADMIN.
 */
export async function askNeighbour(
  socket: NetlinkSocket,
  { index, gateway }: { index: number; gateway: IpAddress },
  known: Neighbour,
  signal: AbortSignal,
): Promise<void> {
  const [header, destination] = naming(index, gateway);
  const body = [header, destination];
  // A neighbour with a known link address is asked at that address, at once; any other as if a packet were to be sent.
  const proves = known.confirmed !== null;
  if (proves) header.writeUInt16LE(NUD_PROBE, NDMSG.state);
  else header[NDMSG.flags] = NTF_USE;
  await change(socket, [{ type: MESSAGE.newNeighbour, flags: proves ? FLAG.replace : FLAG.create, body }], signal);
}

/** Reads a message whose struct ndmsg begins at `body`. */
export function readNeighbour(data: Buffer, body: number, end: number): Neighbour {
  const state = STATES[data.readUInt16LE(body + NDMSG.state) as keyof typeof STATES] ?? 'none';
  let confirmed: number | null = null;
  for (const { type, start, end: to } of attributes(data, body + NDMSG.size, end)) {
    if (type === NDA.cacheInfo && to - start >= 4) confirmed = (data.readUInt32LE(start) * 1000) / TICKS;
  }
  const never = state === 'none' || state === 'incomplete' || state === 'failed';
  return { state, confirmed: never ? null : confirmed };
}

function naming(index: number, gateway: IpAddress): [Buffer, Buffer] {
  const ndmsg = Buffer.alloc(NDMSG.size);
  ndmsg[NDMSG.family] = FAMILY[familyOf(gateway)];
  ndmsg.writeInt32LE(index, NDMSG.index);
  return [ndmsg, attribute(NDA.destination, Buffer.from(ipaddr.parse(gateway).toByteArray()))];
}
