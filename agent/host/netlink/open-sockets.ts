/** The open sockets of this network namespace that are connected to an address (sock_diag(7)). */
import type { Family } from '../../address/address.ts';
import { dump, type Gatherer } from './dump.ts';
import { FAMILY, NETLINK_HEADER } from './message-layout.ts';
import { NetlinkSocket } from './socket.ts';

const NETLINK_SOCK_DIAG = 4;
const BY_FAMILY = 20;
const PROTOCOLS = { TCP: 6, UDP: 17 } as const;
/** States of linux/tcp_states.h: established, being made or being closed by the other side. Also connected UDP. */
const STATES = (1 << 1) | (1 << 2) | (1 << 3) | (1 << 8);
/** struct inet_diag_req_v2, and offsets in struct inet_diag_msg (linux/inet_diag.h). */
const REQUEST = 56;
const ANSWER = { remotePort: 6, remote: 24, user: 64, inode: 68, size: 72 } as const;

export interface OpenSocket {
  readonly protocol: keyof typeof PROTOCOLS;
  readonly port: number;
  readonly uid: number;
  /** As in the link of its descriptor: `socket:[4711]`. */
  readonly inode: number;
}

/** `remote`: the address's bytes in network order, 4 or 16. An IPv4 address is also found on IPv6 sockets. */
export async function socketsTo(remote: Buffer, signal: AbortSignal): Promise<OpenSocket[]> {
  using socket = await NetlinkSocket.open(NETLINK_SOCK_DIAG);
  const mapped = Buffer.concat([Buffer.alloc(10), Buffer.from([0xff, 0xff]), remote]);
  const wanted: readonly [Family, Buffer][] =
    remote.length === 4
      ? [
          ['ipv4', remote],
          ['ipv6', mapped],
        ]
      : [['ipv6', remote]];
  const found: OpenSocket[] = [];
  for (const [family, bytes] of wanted) {
    for (const protocol of ['TCP', 'UDP'] as const) {
      const body = Buffer.alloc(REQUEST);
      body.writeUInt8(FAMILY[family], 0);
      body.writeUInt8(PROTOCOLS[protocol], 1);
      body.writeUInt32LE(STATES, 4);
      const request = { get: BY_FAMILY, gives: BY_FAMILY, body };
      found.push(...(await dump(socket, request, () => new SocketsTo(protocol, bytes), signal)));
    }
  }
  return found;
}

class SocketsTo implements Gatherer<OpenSocket[]> {
  readonly #protocol: OpenSocket['protocol'];
  readonly #remote: Buffer;
  readonly #found: OpenSocket[] = [];

  constructor(protocol: OpenSocket['protocol'], remote: Buffer) {
    this.#protocol = protocol;
    this.#remote = remote;
  }

  take(data: Buffer, at: number, end: number): false {
    const start = at + NETLINK_HEADER;
    if (start + ANSWER.size > end) return false;
    const remote = data.subarray(start + ANSWER.remote, start + ANSWER.remote + this.#remote.length);
    if (!remote.equals(this.#remote)) return false;
    this.#found.push({
      protocol: this.#protocol,
      port: data.readUInt16BE(start + ANSWER.remotePort),
      uid: data.readUInt32LE(start + ANSWER.user),
      inode: data.readUInt32LE(start + ANSWER.inode),
    });
    return false;
  }

  result(): OpenSocket[] {
    return this.#found;
  }
}
