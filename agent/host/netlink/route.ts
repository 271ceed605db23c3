/** One route as rtnetlink(7) has it: struct rtmsg and its attributes, read and written (linux/rtnetlink.h). */
import ipaddr from 'ipaddr.js';
import { RTMSG } from './counts.ts';
import { type Attribute, align, attribute, attributes, FAMILY, type Family, HEADER, uint32 } from './message.ts';

/** By the numbers of the kernel. */
export const ROUTE_TYPE = {
  unicast: 1,
  local: 2,
  broadcast: 3,
  anycast: 4,
  multicast: 5,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
  throw: 9,
} as const;
const SCOPE = { universe: 0, link: 253 } as const;
const FLAG = { dead: 1, onlink: 4, linkDown: 16 } as const;

const ATTRIBUTE = {
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
  expires: 23,
  nexthopId: 30,
} as const;
const RTAX_MTU = 2;
/** Of struct rtmsg, beside those of RTMSG. */
const SCOPE_AT = 6;
/** Stands there for a table whose number needs more than 8 bits. */
const TABLE_COMPAT = 252;
/** Of struct rtnexthop: 2 bytes of length, flags, weight less one, 4 bytes of interface index, attributes. */
const NEXTHOP = { size: 8, flags: 2, weight: 3, index: 4 } as const;

export interface RouteHop {
  /** null: directly on the link. */
  readonly gateway: string | null;
  /** Of the interface; 0: the kernel finds it by the gateway. */
  readonly index: number;
  /** 1 to 256. */
  readonly weight: number;
  readonly onlink: boolean;
}

/** What tells a route from every other: the kernel holds several of one destination and table by their metrics. */
export interface RouteKey {
  readonly family: Family;
  /** `10.0.0.0/16` */
  readonly destination: string;
  readonly table: number;
  readonly metric: number;
}

export interface Route extends RouteKey {
  /** As in rt_protos. */
  readonly protocol: number;
  /** A number of ROUTE_TYPE. */
  readonly type: number;
  /** None where packets are thrown away. */
  readonly hops: readonly RouteHop[];
  /** Preferred source address. */
  readonly src: string | null;
  /** Bytes. */
  readonly mtu: number | null;
}

export interface SeenRoute extends Route {
  /** A nexthop object (ip-nexthop(8)) that it goes by. */
  readonly nexthopId: number | null;
  /** It ends by itself, or was made by a router advertisement's lifetime. */
  readonly expires: boolean;
  /** Body of a message that makes it anew: struct rtmsg and its attributes, without what is only told. */
  readonly body: Buffer;
}

/** Struct rtmsg and its attributes. */
export function routeBody({ family, destination, table, metric, protocol, type, hops, src, mtu }: Route): Buffer[] {
  const [network = '', length = ''] = destination.split('/');
  const [only] = hops;
  const several = hops.length > 1;
  const rtmsg = Buffer.alloc(RTMSG.size);
  rtmsg[RTMSG.family] = FAMILY[family];
  rtmsg[RTMSG.destinationLength] = Number(length);
  rtmsg[RTMSG.table] = table < 256 ? table : TABLE_COMPAT;
  rtmsg[RTMSG.protocol] = protocol;
  rtmsg[RTMSG.type] = type;
  // As ip-route(8) has it. IPv6 knows no scopes of routes.
  const onLink = family === 'ipv4' && !several && only?.gateway === null;
  rtmsg[SCOPE_AT] = onLink ? SCOPE.link : SCOPE.universe;
  if (!several && only?.onlink) rtmsg.writeUInt32LE(FLAG.onlink, RTMSG.flags);
  const body = [rtmsg, attribute(ATTRIBUTE.table, uint32(table))];
  if (length !== '0') body.push(attribute(ATTRIBUTE.destination, bytesOf(network)));
  if (metric !== 0) body.push(attribute(ATTRIBUTE.priority, uint32(metric)));
  if (src !== null) body.push(attribute(ATTRIBUTE.preferredSource, bytesOf(src)));
  if (mtu !== null) body.push(attribute(ATTRIBUTE.metrics, attribute(RTAX_MTU, uint32(mtu))));
  if (several) body.push(attribute(ATTRIBUTE.multipath, Buffer.concat(hops.map((hop) => nexthop(family, hop)))));
  else if (only !== undefined) {
    if (only.index !== 0) body.push(attribute(ATTRIBUTE.interface, uint32(only.index)));
    body.push(...gatewayOf(family, only));
  }
  return body;
}

/** What a deletion is to name: with the protocol, so that nobody else's route is meant by it. */
export function deletionBody(route: RouteKey & { readonly protocol: number }): Buffer[] {
  const { family, destination, table, metric, protocol } = route;
  const [rtmsg, ...rest] = routeBody({
    ...{ family, destination, table, metric, protocol },
    ...{ type: 0, hops: [], src: null, mtu: null },
  });
  // RT_SCOPE_NOWHERE: whatever its scope is.
  rtmsg![SCOPE_AT] = 255;
  return [rtmsg!, ...rest];
}

function nexthop(family: Family, { index, weight, onlink, ...hop }: RouteHop): Buffer {
  const header = Buffer.alloc(NEXTHOP.size);
  const whole = Buffer.concat([header, ...gatewayOf(family, { index, weight, onlink, ...hop })]);
  whole.writeUInt16LE(whole.length, 0);
  whole[NEXTHOP.flags] = onlink ? FLAG.onlink : 0;
  whole[NEXTHOP.weight] = weight - 1;
  whole.writeInt32LE(index, NEXTHOP.index);
  return whole;
}

function gatewayOf(family: Family, { gateway }: RouteHop): Buffer[] {
  if (gateway === null) return [];
  const address = bytesOf(gateway);
  const own = gateway.includes(':') ? 'ipv6' : 'ipv4';
  if (own === family) return [attribute(ATTRIBUTE.gateway, address)];
  const header = Buffer.alloc(2);
  header.writeUInt16LE(FAMILY[own]);
  return [attribute(ATTRIBUTE.via, Buffer.concat([header, address]))];
}

/** The route whose message (header first) begins at `at`; null: it is of no family that is known here, or damaged. */
export function readRoute(data: Buffer, at: number, end: number): SeenRoute | null {
  const from = at + HEADER;
  if (from + RTMSG.size > end) return null;
  const family = (Object.keys(FAMILY) as Family[]).find((name) => FAMILY[name] === data[from + RTMSG.family]);
  if (family === undefined) return null;
  const size = family === 'ipv4' ? 4 : 16;
  const found = new Map([...attributes(data, from + RTMSG.size, end)].map((one) => [one.type, one]));
  const number = (type: number) => uint32Of(data, found.get(type));
  const address = (type: number) => addressOf(data, found.get(type), size);

  const length = data[from + RTMSG.destinationLength]!;
  const network = length === 0 ? NOWHERE[family] : address(ATTRIBUTE.destination);
  if (network === null || length > size * 8) return null;
  const flags = data.readUInt32LE(from + RTMSG.flags);
  const single: RouteHop = {
    gateway: hopGateway(data, found, size),
    index: number(ATTRIBUTE.interface) ?? 0,
    weight: 1,
    onlink: (flags & FLAG.onlink) !== 0,
  };
  const type = data[from + RTMSG.type]!;
  // IPv6 has even its dead ends lead to an interface, lo.
  const leads = type < ROUTE_TYPE.blackhole && (single.gateway !== null || single.index !== 0);
  const several = readHops(data, found.get(ATTRIBUTE.multipath), size);
  const metrics = found.get(ATTRIBUTE.metrics);
  const mtu = metrics === undefined ? undefined : [...attributes(data, metrics.start, metrics.end)].find(isMtu);
  const cached = found.get(ATTRIBUTE.cacheInfo);
  return {
    family,
    destination: `${network}/${length}`,
    table: number(ATTRIBUTE.table) ?? data[from + RTMSG.table]!,
    metric: number(ATTRIBUTE.priority) ?? 0,
    protocol: data[from + RTMSG.protocol]!,
    type,
    hops: several ?? (leads ? [single] : []),
    src: address(ATTRIBUTE.preferredSource),
    mtu: uint32Of(data, mtu),
    nexthopId: number(ATTRIBUTE.nexthopId),
    // rta_expires, the third number of struct rta_cacheinfo.
    expires: cached !== undefined && cached.end - cached.start >= 12 && data.readInt32LE(cached.start + 8) !== 0,
    body: remade(data, from, end),
  };
}

const NOWHERE = { ipv4: '0.0.0.0', ipv6: '::' } as const;
const isMtu = ({ type }: Attribute) => type === RTAX_MTU;

function readHops(data: Buffer, multipath: Attribute | undefined, size: number): RouteHop[] | null {
  if (multipath === undefined) return null;
  const hops: RouteHop[] = [];
  for (let at = multipath.start; at + NEXTHOP.size <= multipath.end; ) {
    const length = data.readUInt16LE(at);
    if (length < NEXTHOP.size || at + length > multipath.end) break;
    const found = new Map([...attributes(data, at + NEXTHOP.size, at + length)].map((one) => [one.type, one]));
    hops.push({
      gateway: hopGateway(data, found, size),
      index: data.readInt32LE(at + NEXTHOP.index),
      weight: data[at + NEXTHOP.weight]! + 1,
      onlink: (data[at + NEXTHOP.flags]! & FLAG.onlink) !== 0,
    });
    at += align(length);
  }
  return hops;
}

function hopGateway(data: Buffer, found: ReadonlyMap<number, Attribute>, size: number): string | null {
  const via = found.get(ATTRIBUTE.via);
  if (via === undefined) return addressOf(data, found.get(ATTRIBUTE.gateway), size);
  const start = via.start + 2;
  return addressOf(data, { ...via, start }, via.end - start === 16 ? 16 : 4);
}

/** Without what the kernel tells and does not take: the state of links, ages. */
function remade(data: Buffer, from: number, end: number): Buffer {
  const rtmsg = Buffer.from(data.subarray(from, from + RTMSG.size));
  rtmsg.writeUInt32LE(rtmsg.readUInt32LE(RTMSG.flags) & FLAG.onlink, RTMSG.flags);
  const kept = [...attributes(data, from + RTMSG.size, end)].flatMap(({ type, start, end }) => {
    if (type === ATTRIBUTE.cacheInfo) return [];
    const value = Buffer.from(data.subarray(start, end));
    if (type === ATTRIBUTE.multipath) clearFlags(value);
    return [attribute(type, value)];
  });
  return Buffer.concat([rtmsg, ...kept]);
}

function clearFlags(multipath: Buffer): void {
  for (let at = 0; at + NEXTHOP.size <= multipath.length; ) {
    multipath[at + NEXTHOP.flags]! &= FLAG.onlink;
    const length = multipath.readUInt16LE(at);
    if (length < NEXTHOP.size) return;
    at += align(length);
  }
}

function uint32Of(data: Buffer, found: Attribute | undefined): number | null {
  return found !== undefined && found.end - found.start >= 4 ? data.readUInt32LE(found.start) : null;
}

function addressOf(data: Buffer, found: Attribute | undefined, size: number): string | null {
  if (found === undefined || found.end - found.start !== size) return null;
  return ipaddr.fromByteArray([...data.subarray(found.start, found.end)]).toString();
}

function bytesOf(address: string): Buffer {
  return Buffer.from(ipaddr.parse(address).toByteArray());
}
