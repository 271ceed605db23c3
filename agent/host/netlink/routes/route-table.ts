/**
 * The kernel's routes, asked for and changed by their keys, at a cost that does not depend on the number of all routes. (A dump lists
 * all routes: NETLINK_GET_STRICT_CHK, the socket option with which the kernel would filter it, cannot be set from
 * here.)
 */
import { constants } from 'node:os';
import type { Family } from '../../../address/address.ts';
import { dump } from '../dump.ts';
import { FLAG, findAttribute, MESSAGE, NETLINK_HEADER } from '../message-layout.ts';
import { change, changeEach, refusalName } from '../request.ts';
import type { NetlinkSocket } from '../socket.ts';
import { bytesOf, deletionBody, ROUTE_TYPE, type Route, routeBody } from './route.ts';
import { keyText, type RouteKey } from './route-key.ts';
import { RTA, RTMSG, routeDump } from './rtmsg.ts';
import { readRoute, type SeenRoute } from './seen-route.ts';

/** The name of the kernel's error number (`ENETUNREACH`); null if there is no error. */
export type RouteRefusal = string | null;

/** `yes`, `no`, or the name of the error with which the kernel would refuse the route. */
export type RouteHeld = 'yes' | 'no' | string;

/**
 * Whether the kernel holds exactly these IPv4 routes, in their order. `yes`, `no`, or ENETDOWN, ENETUNREACH, EINVAL; EPERM
 * without CAP_NET_ADMIN. The question is a new route that may neither be created nor replace a route. IPv4 answers with
 * EEXIST or ENOENT (fib_table_insert in net/ipv4/fib_trie.c), and changes nothing. IPv6 would create the route. A next hop
 * whose interface is down counts as refused, even if the route exists by another next hop.
 */
export async function holdsExactly(
  socket: NetlinkSocket,
  routes: readonly (Route & { readonly family: 'ipv4' })[],
  signal: AbortSignal,
): Promise<RouteHeld[]> {
  const question = (route: Route) => ({ type: MESSAGE.newRoute, flags: 0, body: routeBody(route) });
  return (await changeEach(socket, routes, question, signal)).map(heldOf);
}

/**
 * Whether the kernel holds any IPv4 route with each of these destinations, tables and metrics, made by any program, in
 * their order; the name of the error if the kernel does not say. The question is a new route that must be the first of its
 * key and may not be created. The answer is EEXIST or ENOENT.
 */
export async function holdsAny(
  socket: NetlinkSocket,
  keys: readonly RouteKey[],
  signal: AbortSignal,
): Promise<RouteHeld[]> {
  // A route that leads nowhere is never refused for its next hop.
  const nowhere = { protocol: 0, type: ROUTE_TYPE.blackhole, hops: [], nexthopId: null, src: null, mtu: null };
  const question = ({ destination, table, metric }: RouteKey) => {
    const body = routeBody({ family: 'ipv4', destination, table, metric, ...nowhere });
    return { type: MESSAGE.newRoute, flags: FLAG.exclusive, body };
  };
  return (await changeEach(socket, keys, question, signal)).map(heldOf);
}

function heldOf(errno: number): RouteHeld {
  if (errno === constants.errno.EEXIST) return 'yes';
  return errno === constants.errno.ENOENT ? 'no' : refusalName(errno)!;
}

/** Selects routes: those of a protocol (as in rt_protos), or those with one of these keys. */
export type RouteSelection = { readonly protocol: number } | { readonly keys: readonly RouteKey[] };

/** All wanted routes of a family, made by any program; this lists every route of the family. Throws NetlinkError. */
export async function listRoutes(
  socket: NetlinkSocket,
  family: Family,
  wanted: RouteSelection,
  signal: AbortSignal,
): Promise<SeenRoute[]> {
  const mayBe = 'keys' in wanted ? goesTo(wanted.keys) : isOf(wanted.protocol);
  // The header already shows the protocol.
  const keys = 'keys' in wanted ? new Set(wanted.keys.map(keyText)) : null;
  const gather = () => {
    const found: SeenRoute[] = [];
    return {
      take(data: Buffer, at: number, end: number): false {
        // Only a few of a million routes are wanted: reading a whole route takes much longer than seeing that it is not
        // wanted.
        const route = mayBe(data, at, end) ? readRoute(data, at, end) : null;
        if (route?.family === family && keys?.has(keyText(route)) !== false) found.push(route);
        return false;
      },
      result: () => found,
    };
  };
  return dump(socket, routeDump(family), gather, signal);
}

/** Whether the message that begins at `at` may be about a wanted route. */
type MayBe = (data: Buffer, at: number, end: number) => boolean;

function isOf(protocol: number): MayBe {
  return (data, at) => data[at + NETLINK_HEADER + RTMSG.protocol] === protocol;
}

function goesTo(keys: readonly RouteKey[]): MayBe {
  // Keys are compared by their bytes, so the cost of one route does not depend on the number of keys.
  const byLength = new Map<number, Set<string>>();
  for (const { destination } of keys) {
    const [address = '', length = ''] = destination.split('/');
    const own = byLength.get(Number(length)) ?? new Set();
    byLength.set(Number(length), own.add(bytesOf(address).toString('latin1')));
  }
  return (data, at, end) => {
    const body = at + NETLINK_HEADER;
    const length = data[body + RTMSG.destinationLength]!;
    const addresses = byLength.get(length);
    if (addresses === undefined || length === 0) return addresses !== undefined;
    const found = findAttribute(data, body + RTMSG.size, end, RTA.destination);
    return found !== null && addresses.has(data.toString('latin1', found.start, found.end));
  };
}

/** A route to put into the kernel. A route's bytes (SeenRoute.body) may stand for the route. */
export interface NewRoute {
  readonly route: Route | Buffer;
  /**
   * The new route replaces an existing one with this destination, table and metric in the same moment, so that every packet
   * finds a route. Without it, an existing route gives EEXIST.
   */
  readonly replace: boolean;
}

/** Returns the refusal of each, in their order. */
export async function putRoutes(
  socket: NetlinkSocket,
  routes: readonly NewRoute[],
  signal: AbortSignal,
): Promise<RouteRefusal[]> {
  const put = ({ route, replace }: NewRoute) => ({
    type: MESSAGE.newRoute,
    flags: FLAG.create | (replace ? FLAG.replace : FLAG.exclusive),
    body: Buffer.isBuffer(route) ? [route] : routeBody(route),
  });
  return (await changeEach(socket, routes, put, signal)).map(refusalName);
}

/** ESRCH means that there is no such route of this protocol. */
export async function deleteRoute(
  socket: NetlinkSocket,
  route: RouteKey & { readonly protocol: number },
  signal: AbortSignal,
): Promise<RouteRefusal> {
  const [errno] = await change(socket, [{ type: MESSAGE.deleteRoute, flags: 0, body: deletionBody(route) }], signal);
  return refusalName(errno!);
}
