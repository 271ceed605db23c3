/**
 * The parts of the kernel's messages that stay the same while the objects stay the same. The other parts are counters,
 * ages and lifetimes, and numbers of a conversation. No reader in this folder tells two messages apart by those, if the
 * parts that are kept here are the same.
 */
import { attributes, IFINFOMSG, MESSAGE, NDA, NDMSG, NETLINK_HEADER, NFTABLES } from './message-layout.ts';
import { RTA, RTMSG } from './routes/rtmsg.ts';

/** nlmsg_pid of struct nlmsghdr: the number of the socket that is answered. */
const PORT = 12;
/** res_id of struct nfgenmsg: the number of changes of all tables. */
const GENERATION = NETLINK_HEADER + 2;
/** The state of a neighbour. */
const STATE = NETLINK_HEADER + NDMSG.state;
/** rta_expires of struct rta_cacheinfo. */
const EXPIRES = 8;
/** NUD_REACHABLE, NUD_NOARP, NUD_PERMANENT: in these states a neighbour counts as answering, whenever it last answered. */
const ANSWERING: readonly number[] = [0x02, 0x40, 0x80];
/** IFLA_STATS, IFLA_STATS64, and IFLA_AF_SPEC, which has the counters of IPv6. */
const COUNTERS: readonly number[] = [7, 23, 26];

/** A copy of the message (header first) between two offsets, in which the changing parts are zero. */
export function lastingParts(data: Buffer, at: number, end: number): Buffer {
  const copy = Buffer.from(data.subarray(at, end));
  const type = copy.readUInt16LE(4);
  copy.writeUInt32LE(0, PORT);
  if ((type & 0xff00) === NFTABLES && copy.length >= GENERATION + 2) copy.writeUInt16LE(0, GENERATION);
  if (type === MESSAGE.newRoute) clearRoute(copy);
  if (type === MESSAGE.newNeighbour) clearNeighbour(copy);
  if (type === MESSAGE.newLink) clear(copy, IFINFOMSG, COUNTERS);
  return copy;
}

/** Whether a route goes by itself matters, but not when. */
function clearRoute(message: Buffer): void {
  for (const { type, start, end } of attributes(message, NETLINK_HEADER + RTMSG.size, message.length)) {
    if (type !== RTA.cacheInfo) continue;
    const goes = end - start >= EXPIRES + 4 && message.readInt32LE(start + EXPIRES) !== 0;
    message.fill(0, start, end);
    if (goes) message.writeInt32LE(1, start + EXPIRES);
  }
}

function clearNeighbour(message: Buffer): void {
  const answers = message.length >= STATE + 2 && ANSWERING.includes(message.readUInt16LE(STATE));
  if (answers) clear(message, NDMSG.size, [NDA.cacheInfo, NDA.probes]);
}

function clear(message: Buffer, header: number, types: readonly number[]): void {
  for (const { type, start, end } of attributes(message, NETLINK_HEADER + header, message.length)) {
    if (types.includes(type)) message.fill(0, start, end);
  }
}
