/** One route as the kernel reports it, read from its message. */
import type { IpAddress } from '../../../address/accepted.ts';
import type { Family } from '../../../address/address.ts';
import { addressOfBytes, prefixOf } from '../../../address/address-checks.ts';
import { type Attribute, align, attribute, attributes, FAMILY, NETLINK_HEADER } from '../message-layout.ts';
import { ROUTE_TYPE, type Route, type RouteHop } from './route.ts';
import { NEXTHOP, RTA, RTAX_MTU, RTMSG, RTNH } from './rtmsg.ts';

/** Preferences of default routers (RFC 4191), by their numbers in RTA_PREF. */
const PREFERENCE = new Map([
  [0, 'medium'],
  [1, 'high'],
  [3, 'low'],
] as const);

/** The preference of a default router (RFC 4191). */
export type RouterPreference = 'low' | 'medium' | 'high';

export interface SeenRoute extends Route {
  readonly hops: readonly SeenHop[];
  /** Seconds until the route goes by itself, as with the lifetime of a router advertisement; null if it stays. */
  readonly expires: number | null;
  /** Decides among IPv6 routers of the same metric; null for IPv4, and for a number that RFC 4191 reserves. */
  readonly preference: RouterPreference | null;
  /**
   * Body of a message that makes the route anew: struct rtmsg and its attributes, without the parts that the kernel
   * only reports.
   */
  readonly body: Buffer;
}

export interface SeenHop extends RouteHop {
  /** Whether its interface is up and has a carrier. */
  readonly usable: boolean;
}

/** The route whose message (header first) begins at `at`; null if its family is unknown, or the message is damaged. */
export function readRoute(data: Buffer, at: number, end: number): SeenRoute | null {
  const from = at + NETLINK_HEADER;
  if (from + RTMSG.size > end) return null;
  const family = (Object.keys(FAMILY) as Family[]).find((name) => FAMILY[name] === data[from + RTMSG.family]);
  if (family === undefined) return null;
  const size = family === 'ipv4' ? 4 : 16;
  const found = new Map([...attributes(data, from + RTMSG.size, end)].map((one) => [one.type, one]));
  const number = (type: number) => uint32Of(data, found.get(type));
  const address = (type: number) => {
    const one = found.get(type);
    return one === undefined || one.end - one.start !== size ? null : addressFromBytes(data, one.start, one.end);
  };

  // A copy, because the datagram's buffer is used again. The body is made only on demand, because few bodies are ever
  // needed.
  const own = Buffer.from(data.subarray(from, end));
  const length = data[from + RTMSG.destinationLength]!;
  const network = length === 0 ? addressOfBytes(Buffer.alloc(size)) : address(RTA.destination);
  if (network === null || length > size * 8) return null;
  const single: SeenHop = {
    gateway: hopGateway(data, found),
    index: number(RTA.interface) ?? 0,
    weight: 1,
    ...hopFlags(data[from + RTMSG.flags]!),
  };
  const type = data[from + RTMSG.type]!;
  // In IPv6, even routes that lead nowhere have an interface, lo.
  const leads = type < ROUTE_TYPE.blackhole && (single.gateway !== null || single.index !== 0);
  const several = readHops(data, found.get(RTA.multipath));
  const metrics = found.get(RTA.metrics);
  const mtu = metrics === undefined ? undefined : [...attributes(data, metrics.start, metrics.end)].find(isMtu);
  const cached = found.get(RTA.cacheInfo);
  return {
    family,
    destination: prefixOf(network, length),
    table: number(RTA.table) ?? data[from + RTMSG.table]!,
    metric: number(RTA.priority) ?? 0,
    protocol: data[from + RTMSG.protocol]!,
    type,
    hops: several ?? (leads ? [single] : []),
    src: address(RTA.preferredSource),
    mtu: uint32Of(data, mtu),
    nexthopId: number(RTA.nexthopId),
    expires: cached !== undefined && cached.end - cached.start >= 12 ? lifetime(data, cached.start) : null,
    preference: preferenceOf(data, found.get(RTA.preference)),
    get body() {
      return remade(own);
    },
  };
}

function preferenceOf(data: Buffer, found: Attribute | undefined): RouterPreference | null {
  if (found === undefined || found.end - found.start !== 1) return null;
  return PREFERENCE.get(data[found.start] as 0 | 1 | 3) ?? null;
}

/** USER_HZ, in which the kernel gives rta_expires, the third number of struct rta_cacheinfo. */
const TICKS_A_SECOND = 100;

/** A route that the kernel has not yet removed after its time has 0 seconds or fewer. */
function lifetime(data: Buffer, cacheInfo: number): number | null {
  const ticks = data.readInt32LE(cacheInfo + 8);
  return ticks === 0 ? null : ticks / TICKS_A_SECOND;
}

/**
 * Reads the flags of a route, of one of its next hops, or of a nexthop object: their lowest byte is the same in all
 * three.
 */
export function hopFlags(flags: number): Pick<SeenHop, 'onlink' | 'usable'> {
  return { onlink: (flags & RTNH.onlink) !== 0, usable: (flags & (RTNH.dead | RTNH.linkDown)) === 0 };
}

/** An address of four or sixteen bytes; null for any other number of bytes. */
export function addressFromBytes(data: Buffer, start: number, end: number): IpAddress | null {
  if (end - start !== 4 && end - start !== 16) return null;
  return addressOfBytes(data.subarray(start, end));
}

/** Attributes that a nexthop object has, and that a route with such an object may not have. */
const OF_OBJECT = [RTA.interface, RTA.gateway, RTA.via, RTA.multipath];
const isMtu = ({ type }: Attribute) => type === RTAX_MTU;

function readHops(data: Buffer, multipath: Attribute | undefined): SeenHop[] | null {
  if (multipath === undefined) return null;
  const hops: SeenHop[] = [];
  for (let at = multipath.start; at + NEXTHOP.size <= multipath.end; ) {
    const length = data.readUInt16LE(at);
    if (length < NEXTHOP.size || at + length > multipath.end) break;
    const found = new Map([...attributes(data, at + NEXTHOP.size, at + length)].map((one) => [one.type, one]));
    hops.push({
      gateway: hopGateway(data, found),
      index: data.readInt32LE(at + NEXTHOP.index),
      weight: data[at + NEXTHOP.weight]! + 1,
      ...hopFlags(data[at + NEXTHOP.flags]!),
    });
    at += align(length);
  }
  return hops;
}

function hopGateway(data: Buffer, found: ReadonlyMap<number, Attribute>): IpAddress | null {
  const via = found.get(RTA.via);
  if (via !== undefined) return addressFromBytes(data, via.start + 2, via.end);
  const gateway = found.get(RTA.gateway);
  return gateway === undefined ? null : addressFromBytes(data, gateway.start, gateway.end);
}

/**
 * The attributes without those that the kernel reports but does not accept: the state of links, ages, the next hops of
 * a nexthop object.
 */
function remade(data: Buffer): Buffer {
  const all = [...attributes(data, RTMSG.size, data.length)];
  const told: readonly number[] = all.some(({ type }) => type === RTA.nexthopId) ? OF_OBJECT : [];
  const rtmsg = Buffer.from(data.subarray(0, RTMSG.size));
  rtmsg.writeUInt32LE(rtmsg.readUInt32LE(RTMSG.flags) & RTNH.onlink, RTMSG.flags);
  const kept = all.flatMap(({ type, start, end }) => {
    if (type === RTA.cacheInfo || told.includes(type)) return [];
    const value = Buffer.from(data.subarray(start, end));
    if (type === RTA.multipath) clearFlags(value);
    return [attribute(type, value)];
  });
  return Buffer.concat([rtmsg, ...kept]);
}

function clearFlags(multipath: Buffer): void {
  for (let at = 0; at + NEXTHOP.size <= multipath.length; ) {
    multipath[at + NEXTHOP.flags]! &= RTNH.onlink;
    const length = multipath.readUInt16LE(at);
    if (length < NEXTHOP.size) return;
    at += align(length);
  }
}

function uint32Of(data: Buffer, found: Attribute | undefined): number | null {
  return found !== undefined && found.end - found.start >= 4 ? data.readUInt32LE(found.start) : null;
}
