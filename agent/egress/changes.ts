/** Every change that Holdfast makes to DHCP's IPv4 default routes. */
import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import { ipPrefix } from '../address/address-checks.ts';
import { BEHIND } from '../config/desired.ts';
import type { ErrorCode } from '../host/error-codes.ts';
import { HostError } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { FLAG, MESSAGE } from '../host/netlink/message-layout.ts';
import { change } from '../host/netlink/request.ts';
import { ROUTE_TYPE, type Route, routeBody } from '../host/netlink/routes/route.ts';
import type { SeenRoute } from '../host/netlink/routes/seen-route.ts';
import { NetlinkSocket } from '../host/netlink/socket.ts';
import { MAIN_TABLE } from '../host/netlink/table-names.ts';
import { EGRESS } from '../host/paths.ts';
import { type BgpDefault, BOOT, DHCP, type DhcpDefault } from './defaults.ts';
import { noteAhead, noteWord } from './note.ts';

const ANYWHERE_IPV4 = ipPrefix('0.0.0.0/0')!;

/**
 * Puts DHCP's default routes behind all others if they are ahead or missing. Each new route is made before the old one
 * is deleted. Throws HostError.
 */
export async function putBehind(host: Host, gateways: readonly DhcpDefault[], signal: AbortSignal): Promise<void> {
  using socket = await NetlinkSocket.open();
  for (const gateway of gateways) {
    await put(socket, gateway, { metric: BEHIND + gateway.place, protocol: DHCP }, signal);
    await remove(socket, gateway, ({ metric }) => metric < BEHIND, signal);
  }
  noteWord(host, 'behind');
}

/** Deletes DHCP's default routes. Throws HostError. */
export async function drop(host: Host, gateways: readonly DhcpDefault[], signal: AbortSignal): Promise<void> {
  // The note comes first, so that a hook in between does not bring the route back.
  noteWord(host, 'dropped');
  using socket = await NetlinkSocket.open();
  for (const gateway of gateways) await remove(socket, gateway, () => true, signal);
}

/**
 * Makes the routes as dhclient-script(8) does: without a metric, or counted from 1 for several gateways. Throws
 * HostError.
 */
export async function putAhead(host: Host, gateways: readonly DhcpDefault[], signal: AbortSignal): Promise<void> {
  using socket = await NetlinkSocket.open();
  for (const gateway of gateways) {
    const own = gateways.filter((other) => other.interface === gateway.interface);
    const metric = own.length > 1 ? own.indexOf(gateway) + 1 : 0;
    await put(socket, gateway, { metric, protocol: BOOT }, signal);
    await remove(socket, gateway, ({ metric }) => metric >= BEHIND, signal);
  }
  host.remove(EGRESS);
}

/**
 * Puts DHCP's routes ahead of BGP's, because packets take BGP's route although its gateways do not answer. Notes these
 * gateways. Throws HostError.
 */
export async function putAheadOf(
  host: Host,
  bgp: BgpDefault,
  gateways: readonly DhcpDefault[],
  signal: AbortSignal,
): Promise<void> {
  await putAhead(host, gateways, signal);
  noteAhead(host, bgp.gateways);
}

async function put(
  socket: NetlinkSocket,
  { address, index, routes }: DhcpDefault,
  { metric, protocol }: { metric: number; protocol: number },
  signal: AbortSignal,
): Promise<void> {
  const hop = { gateway: address, index, weight: 1, onlink: false };
  const route: Route = {
    ...{ family: 'ipv4', destination: ANYWHERE_IPV4, table: MAIN_TABLE, metric },
    ...{ protocol, type: ROUTE_TYPE.unicast, hops: [hop], nexthopId: null, src: null, mtu: null },
  };
  // A present route of this metric may belong to another program, and then our old route must stay.
  if (routes.some((one) => one.metric === metric)) return;
  await ask(socket, MESSAGE.newRoute, FLAG.create | FLAG.exclusive, route, 0, signal);
}

async function remove(
  socket: NetlinkSocket,
  { routes }: DhcpDefault,
  which: (route: SeenRoute) => boolean,
  signal: AbortSignal,
): Promise<void> {
  for (const route of routes.filter(which)) {
    await ask(socket, MESSAGE.deleteRoute, 0, route, constants.errno.ESRCH, signal);
  }
}

/** `fine` is the error for a change that is done already. Naming the gateway spares other routes of the same metric. */
async function ask(
  socket: NetlinkSocket,
  type: number,
  flags: number,
  route: Route,
  fine: number,
  signal: AbortSignal,
): Promise<void> {
  const [errno] = await change(socket, [{ type, flags, body: routeBody(route) }], signal);
  if (errno === 0 || errno === fine) return;
  const deed = type === MESSAGE.newRoute ? 'make' : 'delete';
  const code = getSystemErrorName(-errno!) as ErrorCode;
  const what = `default via ${route.hops[0]?.gateway} metric ${route.metric}`;
  throw new HostError(code, `the kernel refuses to ${deed} ${what}: ${code}`);
}
