/** The parts of messages about routes: struct rtmsg and its attributes (rtnetlink(7), linux/rtnetlink.h). */
import type { Family } from '../../../address/address.ts';
import { FAMILY, findAttribute, MESSAGE, NETLINK_HEADER } from '../message-layout.ts';

/** Offsets in bytes after the header. */
export const RTMSG = {
  size: 12,
  family: 0,
  destinationLength: 1,
  table: 4,
  protocol: 5,
  scope: 6,
  type: 7,
  flags: 8,
} as const;

/** Numbers of attributes. */
export const RTA = {
  destination: 1,
  interface: 4,
  gateway: 5,
  priority: 6,
  preferredSource: 7,
  metrics: 8,
  multipath: 9,
  cacheInfo: 12,
  table: 15,
  via: 18,
  preference: 20,
  ipProtocol: 27,
  sourcePort: 28,
  destinationPort: 29,
  nexthopId: 30,
  flowLabel: 31,
} as const;

/**
 * Flags of a next hop (RTNH_F_…): its interface is down, its gateway needs no network of the link, it has no carrier.
 */
export const RTNH = { dead: 1, onlink: 4, linkDown: 16 } as const;
/** An attribute inside `metrics`. */
export const RTAX_MTU = 2;
/**
 * The layout of struct rtnexthop: 2 bytes of length, flags, weight less one, 4 bytes of interface index, attributes.
 */
export const NEXTHOP = { size: 8, flags: 2, weight: 3, index: 4 } as const;
/** The value in rtmsg for a table whose number needs more than 8 bits. */
export const TABLE_COMPAT = 252;

/** Asks for all routes of a family. A kernel without that family answers with the routes of all other families. */
export function routeDump(family: Family): { get: number; gives: number; body: Buffer } {
  const body = Buffer.alloc(RTMSG.size);
  body[RTMSG.family] = FAMILY[family];
  return { get: MESSAGE.getRoute, gives: MESSAGE.newRoute, body };
}

/** The table of the route whose message begins at `at`. */
export function tableOf(data: Buffer, at: number, end: number): number {
  const short = data[at + NETLINK_HEADER + RTMSG.table]!;
  if (short !== TABLE_COMPAT) return short;
  const table = findAttribute(data, at + NETLINK_HEADER + RTMSG.size, end, RTA.table);
  return table === null ? short : data.readUInt32LE(table.start);
}
