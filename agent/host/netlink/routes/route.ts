/** One route as rtnetlink(7) describes it, and its encoding: struct rtmsg and its attributes. */
import type { IpAddress } from '../../../address/accepted.ts';
import { type Family, familyOf } from '../../../address/address.ts';
import { isDotted } from '../../../address/dotted.ts';
import { ipv6Bytes } from '../../../address/ipv6-text.ts';
import { attribute, FAMILY, uint32, zeros } from '../message-layout.ts';
import type { RouteKey } from './route-key.ts';
import { NEXTHOP, RTA, RTAX_MTU, RTMSG, RTNH, TABLE_COMPAT } from './rtmsg.ts';

/** The kernel's numbers. */
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

export interface RouteHop {
  /** null if the destination is directly on the link. */
  readonly gateway: IpAddress | null;
  /** The interface's index; 0 if the kernel finds the interface by the gateway. */
  readonly index: number;
  /** 1 to 256; up to 65,536 for a member of a nexthop object (Linux 6.12). */
  readonly weight: number;
  readonly onlink: boolean;
}

export interface Route extends RouteKey {
  /** A number of rt_protos. */
  readonly protocol: number;
  /** A number of ROUTE_TYPE. */
  readonly type: number;
  /** Empty if packets are thrown away. */
  readonly hops: readonly RouteHop[];
  /**
   * The nexthop object (ip-nexthop(8)) that the route uses; null if it uses none. The kernel also reports `hops`, but
   * must be given only the object.
   */
  readonly nexthopId: number | null;
  /** Preferred source address. */
  readonly src: IpAddress | null;
  /** Bytes. */
  readonly mtu: number | null;
}

/** Struct rtmsg and its attributes. */
export function routeBody(route: Route): Buffer[] {
  const { family, destination, table, metric, protocol, type, nexthopId, src, mtu } = route;
  const hops = nexthopId === null ? route.hops : [];
  const [network = '', length = ''] = destination.split('/');
  const [only] = hops;
  const several = hops.length > 1;
  const rtmsg = zeros(RTMSG.size);
  rtmsg[RTMSG.family] = FAMILY[family];
  rtmsg[RTMSG.destinationLength] = Number(length);
  rtmsg[RTMSG.table] = table < 256 ? table : TABLE_COMPAT;
  rtmsg[RTMSG.protocol] = protocol;
  rtmsg[RTMSG.type] = type;
  // The same rule as in ip-route(8). IPv6 has no scopes of routes.
  const onLink = family === 'ipv4' && !several && only?.gateway === null;
  rtmsg[RTMSG.scope] = onLink ? SCOPE.link : SCOPE.universe;
  if (!several && only?.onlink) rtmsg.writeUInt32LE(RTNH.onlink, RTMSG.flags);
  const body = [rtmsg, attribute(RTA.table, uint32(table))];
  if (length !== '0') body.push(attribute(RTA.destination, bytesOf(network)));
  if (metric !== 0) body.push(attribute(RTA.priority, uint32(metric)));
  if (src !== null) body.push(attribute(RTA.preferredSource, bytesOf(src)));
  if (mtu !== null) body.push(attribute(RTA.metrics, attribute(RTAX_MTU, uint32(mtu))));
  if (nexthopId !== null) body.push(attribute(RTA.nexthopId, uint32(nexthopId)));
  else if (several) body.push(attribute(RTA.multipath, Buffer.concat(hops.map((hop) => nexthop(family, hop)))));
  else if (only !== undefined) {
    if (only.index !== 0) body.push(attribute(RTA.interface, uint32(only.index)));
    body.push(...gatewayOf(family, only));
  }
  return body;
}

/** The body of a deletion. It names the protocol, so that it never deletes another program's route. */
export function deletionBody(route: RouteKey & { readonly protocol: number }): Buffer[] {
  const { family, destination, table, metric, protocol } = route;
  const [rtmsg, ...rest] = routeBody({
    ...{ family, destination, table, metric, protocol },
    ...{ type: 0, hops: [], nexthopId: null, src: null, mtu: null },
  });
  // RT_SCOPE_NOWHERE matches a route of any scope.
  rtmsg![RTMSG.scope] = 255;
  return [rtmsg!, ...rest];
}

function nexthop(family: Family, { index, weight, onlink, ...hop }: RouteHop): Buffer {
  const header = zeros(NEXTHOP.size);
  const whole = Buffer.concat([header, ...gatewayOf(family, { index, weight, onlink, ...hop })]);
  whole.writeUInt16LE(whole.length, 0);
  whole[NEXTHOP.flags] = onlink ? RTNH.onlink : 0;
  whole[NEXTHOP.weight] = weight - 1;
  whole.writeInt32LE(index, NEXTHOP.index);
  return whole;
}

function gatewayOf(family: Family, { gateway }: RouteHop): Buffer[] {
  if (gateway === null) return [];
  const address = bytesOf(gateway);
  // An IPv4 route may use an IPv6 gateway (RFC 5549).
  const own = familyOf(gateway);
  if (own === family) return [attribute(RTA.gateway, address)];
  const header = zeros(2);
  header.writeUInt16LE(FAMILY[own]);
  return [attribute(RTA.via, Buffer.concat([header, address]))];
}

/** The address in network order. Each look needs every route's addresses. Throws if the text is no address. */
export function bytesOf(address: string): Buffer {
  if (isDotted(address)) return Buffer.from(address.split('.').map(Number));
  const bytes = ipv6Bytes(address);
  if (bytes === null) throw new TypeError(`${address} is no address`);
  return Buffer.from(bytes);
}
