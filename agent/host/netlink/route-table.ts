/**
 * The kernel's routes, asked and changed one by one, at a cost that does not depend on how many there are. (A dump lists all
 * of them: the option of the socket by which the kernel would filter it, NETLINK_GET_STRICT_CHK, cannot be set from here.)
 */
import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import ipaddr from 'ipaddr.js';
import { RTMSG, routeDump } from './counts.ts';
import { dump } from './dump.ts';
import { attribute, FAMILY, type Family, FLAG, MESSAGE, message, uint32 } from './message.ts';
import { change } from './request.ts';
import { deletionBody, ROUTE_TYPE, type Route, type RouteKey, readRoute, routeBody, type SeenRoute } from './route.ts';
import { errorNumber, type NetlinkSocket } from './socket.ts';

const RTM_F_FIB_MATCH = 0x2000;
const DESTINATION = 1;
const INTERFACE = 4;

/** The name of the kernel's error number (`ENETUNREACH`); null: none. */
export type Refusal = string | null;

/**
 * Whether the kernel holds exactly this route: `yes`, `no`, or the name of the error with which it would refuse it
 * (ENETDOWN, ENETUNREACH, EINVAL; EPERM without CAP_NET_ADMIN). IPv4 alone: it answers a new route that may neither be
 * created nor replace one with EEXIST or ENOENT (fib_table_insert in net/ipv4/fib_trie.c), and changes nothing. IPv6 would
 * create it. A next hop whose interface is down counts as refused, also where the route is there by another one.
 */
export async function holdsExactly(
  socket: NetlinkSocket,
  route: Route & { readonly family: 'ipv4' },
  signal: AbortSignal,
): Promise<'yes' | 'no' | string> {
  const [errno] = await change(socket, [{ type: MESSAGE.newRoute, flags: 0, body: routeBody(route) }], signal);
  if (errno === constants.errno.EEXIST) return 'yes';
  return errno === constants.errno.ENOENT ? 'no' : nameOf(errno!)!;
}

/**
 * Whether the kernel holds any IPv4 route of this destination, table and metric, whosever it is; the name of the error where it
 * cannot be told. A new route that must be the first of its key and may not be created is answered with EEXIST or
 * ENOENT.
 */
export async function holdsAny(
  socket: NetlinkSocket,
  { destination, table, metric }: RouteKey,
  signal: AbortSignal,
): Promise<'yes' | 'no' | string> {
  const family = 'ipv4';
  // One that leads nowhere is never refused for its next hop.
  const route = { family, destination, table, metric, protocol: 0, type: ROUTE_TYPE.blackhole } as const;
  const body = routeBody({ ...route, hops: [], src: null, mtu: null });
  const [errno] = await change(socket, [{ type: MESSAGE.newRoute, flags: FLAG.exclusive, body }], signal);
  if (errno === constants.errno.EEXIST) return 'yes';
  return errno === constants.errno.ENOENT ? 'no' : nameOf(errno!)!;
}

/**
 * The route that a packet to this address takes, as the tables have it; or the name of the error. Policy rules and more
 * specific routes decide, as for a packet. `index`: only by this interface. Linux 4.13, IPv6 4.18.
 */
export async function matchedRoute(
  socket: NetlinkSocket,
  family: Family,
  address: string,
  index: number,
  signal: AbortSignal,
): Promise<SeenRoute | string> {
  const destination = Buffer.from(ipaddr.parse(address).toByteArray());
  const rtmsg = Buffer.alloc(RTMSG.size);
  rtmsg[RTMSG.family] = FAMILY[family];
  rtmsg[RTMSG.destinationLength] = destination.length * 8;
  rtmsg.writeUInt32LE(RTM_F_FIB_MATCH, RTMSG.flags);
  const body = [rtmsg, attribute(DESTINATION, destination)];
  if (index !== 0) body.push(attribute(INTERFACE, uint32(index)));
  let found: SeenRoute | string = 'EBADMSG';
  const take = (data: Buffer, at: number, end: number): true => {
    const type = data.readUInt16LE(at + 4);
    if (type === MESSAGE.newRoute) found = readRoute(data, at, end) ?? 'EBADMSG';
    else if (type === MESSAGE.error) found = nameOf(errorNumber(data, at, end)) ?? 'EBADMSG';
    return true;
  };
  await socket.converse(message(MESSAGE.getRoute, 0, 1, ...body), take, signal);
  return found;
}

/** All routes of a family that `wanted` takes: this lists every one there is. Throws NetlinkError. */
export async function listRoutes(
  socket: NetlinkSocket,
  family: Family,
  wanted: (route: SeenRoute) => boolean,
  signal: AbortSignal,
): Promise<SeenRoute[]> {
  const gather = () => {
    const found: SeenRoute[] = [];
    return {
      take(data: Buffer, at: number, end: number): false {
        const route = readRoute(data, at, end);
        if (route?.family === family && wanted(route)) found.push(route);
        return false;
      },
      result: () => found,
    };
  };
  return dump(socket, routeDump(family), gather, signal);
}

/**
 * `replace`: what is there of this destination, table and metric gives way in the same moment, so that no packet finds none. Else
 * EEXIST. A route's bytes (SeenRoute.body) may stand for it.
 */
export async function putRoute(
  socket: NetlinkSocket,
  route: Route | Buffer,
  { replace }: { replace: boolean },
  signal: AbortSignal,
): Promise<Refusal> {
  const flags = FLAG.create | (replace ? FLAG.replace : FLAG.exclusive);
  const body = Buffer.isBuffer(route) ? [route] : routeBody(route);
  const [errno] = await change(socket, [{ type: MESSAGE.newRoute, flags, body }], signal);
  return nameOf(errno!);
}

/** ESRCH: there is none of this protocol. */
export async function deleteRoute(
  socket: NetlinkSocket,
  route: RouteKey & { readonly protocol: number },
  signal: AbortSignal,
): Promise<Refusal> {
  const [errno] = await change(socket, [{ type: MESSAGE.deleteRoute, flags: 0, body: deletionBody(route) }], signal);
  return nameOf(errno!);
}

function nameOf(errno: number): Refusal {
  return errno === 0 ? null : getSystemErrorName(-errno);
}
