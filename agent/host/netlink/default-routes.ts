/** The default routes of the main table with their next hops: where everything goes that no other route takes. */
import { constants } from 'node:os';
import ipaddr from 'ipaddr.js';
import { RTMSG, routeDump, tableOf } from './counts.ts';
import { dump, type Gatherer } from './dump.ts';
import { type Link, links } from './links.ts';
import { align, attribute, attributes, FAMILY, type Family, HEADER, MESSAGE, message, uint32 } from './message.ts';
import { MAIN_TABLE } from './names.ts';
import { errorNumber, kernelError, NetlinkSocket } from './socket.ts';

export const ATTRIBUTE = {
  destination: 1,
  interface: 4,
  gateway: 5,
  priority: 6,
  multipath: 9,
  via: 18,
  nexthopId: 30,
} as const;
const RTN_UNICAST = 1;
/** Of struct rtnexthop: 2 bytes of length, flags, weight less one, 4 bytes of interface index, attributes. */
const NEXTHOP_HEADER = 8;
/** RTNH_F_DEAD and RTNH_F_LINKDOWN: its interface is down, or has no carrier. */
const UNUSABLE = 1 | 16;

export interface Nexthop {
  /** null: directly on the link. */
  readonly gateway: string | null;
  readonly interface: string;
  /** 1 to 256. */
  readonly weight: number;
  /** Whether its interface is up and has a carrier. */
  readonly usable: boolean;
}

export interface DefaultRoute {
  /** The lowest is the one that is used. */
  readonly metric: number;
  /** None: packets are thrown away (blackhole, unreachable, prohibit). */
  readonly nexthops: readonly Nexthop[];
}

export type Hop = Omit<Nexthop, 'interface'> & { readonly index: number };
type Found = { metric: number; hops: Hop[]; nexthopId: number | null };

/**
 * The best first. Several of one metric, as IPv6 has them from router advertisements, are one route here. It costs a dump
 * of the family; of IPv4, whose tables are listed from 0.0.0.0 on, not the rest of the main table. Throws NetlinkError.
 */
export async function defaultRoutes(family: Family, signal: AbortSignal): Promise<DefaultRoute[]> {
  const found = await mainDefaults(family, signal);
  if (found.length === 0) return [];
  using socket = await NetlinkSocket.open();
  const interfaces = await links(socket, signal);
  const byMetric = new Map<number, Nexthop[]>();
  for (const { metric, hops, nexthopId } of found) {
    // The kernel spells a nexthop object out, unless net.ipv4.nexthop_compat_mode is 0.
    const all = hops.length === 0 && nexthopId !== null ? await nexthopObject(socket, nexthopId, signal) : hops;
    const named = all.map((hop) => withName(hop, interfaces));
    byMetric.set(metric, [...(byMetric.get(metric) ?? []), ...named]);
  }
  return [...byMetric].map(([metric, nexthops]) => ({ metric, nexthops })).sort((a, b) => a.metric - b.metric);
}

/** Over a socket of its own: it may end before the kernel's answer does. */
async function mainDefaults(family: Family, signal: AbortSignal): Promise<Found[]> {
  using socket = await NetlinkSocket.open();
  return await dump(socket, routeDump(family), () => new DefaultRoutes(family), signal);
}

export class DefaultRoutes implements Gatherer<Found[]> {
  readonly #family: Family;
  readonly #found: Found[] = [];

  constructor(family: Family) {
    this.#family = family;
  }

  take(data: Buffer, at: number, end: number): boolean {
    const body = at + HEADER;
    if (data[body] !== FAMILY[this.#family]) return false;
    if (data[body + RTMSG.destinationLength] === 0) {
      if (tableOf(data, at, end) === MAIN_TABLE) this.#found.push(readRoute(data, body, end));
      return false;
    }
    return this.#family === 'ipv4' && isPastDefaults(data, at, end);
  }

  result(): Found[] {
    return this.#found;
  }
}

/** Whether no default route of the main table comes after this IPv4 route: all of 0.0.0.0 comes first, whatever its length. */
export function isPastDefaults(data: Buffer, at: number, end: number): boolean {
  const body = at + HEADER;
  if (data[body] !== FAMILY.ipv4 || data[body + RTMSG.table] !== MAIN_TABLE) return false;
  return [...attributes(data, body + RTMSG.size, end)].some(
    ({ type, start }) => type === ATTRIBUTE.destination && data.readUInt32LE(start) !== 0,
  );
}

/** Of the message whose struct rtmsg begins at `body`. */
export function readRoute(data: Buffer, body: number, end: number): Found {
  let metric = 0;
  let nexthopId: number | null = null;
  let index = 0;
  let gateway: string | null = null;
  let several: Hop[] | null = null;
  for (const { type, start, end: to } of attributes(data, body + RTMSG.size, end)) {
    if (type === ATTRIBUTE.priority) metric = data.readUInt32LE(start);
    else if (type === ATTRIBUTE.nexthopId) nexthopId = data.readUInt32LE(start);
    else if (type === ATTRIBUTE.interface) index = data.readInt32LE(start);
    else if (type === ATTRIBUTE.gateway) gateway = address(data, start, to);
    else if (type === ATTRIBUTE.via) gateway = address(data, start + 2, to);
    else if (type === ATTRIBUTE.multipath) several = readNexthops(data, start, to);
  }
  if (data[body + RTMSG.type] !== RTN_UNICAST) return { metric, hops: [], nexthopId: null };
  const usable = (data[body + RTMSG.flags]! & UNUSABLE) === 0;
  const single = index === 0 ? [] : [{ gateway, index, weight: 1, usable }];
  return { metric, hops: several ?? single, nexthopId };
}

function readNexthops(data: Buffer, from: number, to: number): Hop[] {
  const hops: Hop[] = [];
  for (let at = from; at + NEXTHOP_HEADER <= to; ) {
    const length = data.readUInt16LE(at);
    if (length < NEXTHOP_HEADER || at + length > to) break;
    let gateway: string | null = null;
    for (const { type, start, end } of attributes(data, at + NEXTHOP_HEADER, at + length)) {
      if (type === ATTRIBUTE.gateway) gateway = address(data, start, end);
      if (type === ATTRIBUTE.via) gateway = address(data, start + 2, end);
    }
    const usable = (data[at + 2]! & UNUSABLE) === 0;
    hops.push({ gateway, index: data.readInt32LE(at + 4), weight: data[at + 3]! + 1, usable });
    at += align(length);
  }
  return hops;
}

const NHMSG = { size: 8, flags: 4 } as const;
const NEXTHOP = { id: 1, group: 2, interface: 5, gateway: 6 } as const;
/** Of struct nexthop_grp: the member's number, its weight less one. */
const GROUP_ENTRY = 8;

/** A nexthop object, or what a group of them holds (ip-nexthop(8)). */
export async function nexthopObject(
  socket: NetlinkSocket,
  id: number,
  signal: AbortSignal,
  weight = 1,
): Promise<Hop[]> {
  let hop: Hop | null = null;
  const members: { id: number; weight: number }[] = [];
  const take = (data: Buffer, at: number, end: number): true => {
    const type = data.readUInt16LE(at + 4);
    if (type === MESSAGE.error) {
      const errno = errorNumber(data, at, end);
      if (errno !== constants.errno.ENOENT) throw kernelError(errno, `nexthop object ${id}`);
    }
    if (type !== MESSAGE.newNexthop) return true;
    let index = 0;
    let gateway: string | null = null;
    for (const { type, start, end: to } of attributes(data, at + HEADER + NHMSG.size, end)) {
      if (type === NEXTHOP.interface) index = data.readInt32LE(start);
      if (type === NEXTHOP.gateway) gateway = address(data, start, to);
      for (let entry = start; type === NEXTHOP.group && entry + GROUP_ENTRY <= to; entry += GROUP_ENTRY) {
        members.push({ id: data.readUInt32LE(entry), weight: data[entry + 4]! + 1 });
      }
    }
    const usable = (data[at + HEADER + NHMSG.flags]! & UNUSABLE) === 0;
    if (index !== 0) hop = { gateway, index, weight, usable };
    return true;
  };
  const body = [Buffer.alloc(NHMSG.size), attribute(NEXTHOP.id, uint32(id))];
  await socket.converse(message(MESSAGE.getNexthop, 0, 1, ...body), take, signal);
  const hops: Hop[] = hop === null ? [] : [hop];
  for (const member of members) hops.push(...(await nexthopObject(socket, member.id, signal, member.weight)));
  return hops;
}

function withName({ index, ...hop }: Hop, interfaces: ReadonlyMap<number, Link>): Nexthop {
  return { ...hop, interface: interfaces.get(index)?.name ?? String(index) };
}

export function address(data: Buffer, start: number, end: number): string {
  return ipaddr.fromByteArray([...data.subarray(start, end)]).toString();
}
