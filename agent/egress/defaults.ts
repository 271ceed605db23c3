/**
 * The IPv4 default routes of this host, by whom they come from: BGP's, and whether its gateway answers; the DHCP server's, and
 * where among the others it stands. And what is ever done to the latter.
 */
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { getSystemErrorName } from 'node:util';
import { BEHIND, type DesiredDhclient } from '../config/desired.ts';
import { HostError } from '../host/errors.ts';
import { EGRESS, RUN_FOLDER } from '../host/folders.ts';
import type { Host } from '../host/host.ts';
import { defaultRoutes } from '../host/netlink/default-routes.ts';
import { links } from '../host/netlink/links.ts';
import { FLAG, MESSAGE } from '../host/netlink/message.ts';
import { MAIN_TABLE, protocolName } from '../host/netlink/names.ts';
import { askNeighbour, type Neighbour, neighbour } from '../host/netlink/neighbours.ts';
import { hopsOf } from '../host/netlink/nexthops.ts';
import { change } from '../host/netlink/request.ts';
import { ROUTE_TYPE, type Route, routeBody } from '../host/netlink/route.ts';
import type { SeenRoute } from '../host/netlink/seen-route.ts';
import { NetlinkSocket } from '../host/netlink/socket.ts';
import { type LeasedGateway, leasedGateways } from './leased.ts';

/** zebra, bird, bgp (FRR): BIRD and old FRRs do not say by which of their protocols they learned a route. */
const OF_BGP: readonly number[] = [11, 12, 186];
/** boot, as ip-route(8) marks what names no protocol (dhclient-script does not), and dhcp. */
const BOOT = 3;
const DHCP = 16;
const OF_DHCP: readonly number[] = [BOOT, DHCP];
/** Milliseconds for which an answer of a gateway counts, unless it fails to give the next one. */
const FRESH = 60_000;
/** Milliseconds between looks whether one that was asked has answered; on a link it takes one or two. */
const ANSWER = [5, 20, 75, 200];

export interface EgressView {
  /** The best default route that a BGP daemon made; null: there is none. */
  readonly bgp: BgpDefault | null;
  readonly dhcp: readonly DhcpDefault[];
  /** Default routes of the main table. */
  readonly count: number;
  /** Those of them that are neither BGP's nor a DHCP server's, `static metric 100`. */
  readonly others: readonly string[];
}

export interface BgpDefault {
  readonly metric: number;
  /** `10.88.0.1 on eth0, 10.88.1.1 on eth1 (bird)` */
  readonly name: string;
  /** null: at least one of its gateways answered lately; else why that does not count. */
  readonly problem: string | null;
}

export interface DhcpDefault extends LeasedGateway {
  readonly index: number;
  /** Its place among the gateways of all leases, from 0. */
  readonly place: number;
  /** The routes by it, the best first; none: it is not there. */
  readonly routes: readonly SeenRoute[];
}

/** Asks gateways of BGP's that have not proved lately that they are there, and waits a moment. Throws NetlinkError. */
export async function lookAtDefaults(host: Host, dhclient: DesiredDhclient, signal: AbortSignal): Promise<EgressView> {
  const routes = await defaultRoutes('ipv4', signal);
  using socket = await NetlinkSocket.open();
  const named = await links(socket, signal);
  const indexOf = (name: string) => [...named].find(([, link]) => link.name === name)?.[0];
  const dhcp = leasedGateways(host, dhclient).flatMap((gateway, place): DhcpDefault[] => {
    const index = indexOf(gateway.interface);
    if (index === undefined) return [];
    return [{ ...gateway, index, place, routes: routes.filter((route) => isBy(route, index, gateway.address)) }];
  });
  const known = new Set(dhcp.flatMap((gateway) => gateway.routes));
  const others = routes
    .filter((route) => !known.has(route) && !OF_BGP.includes(route.protocol))
    .map(({ protocol, metric }) => `${protocolName(protocol)} metric ${metric}`);
  const best = routes.find(({ protocol, type }) => OF_BGP.includes(protocol) && type === ROUTE_TYPE.unicast);
  const bgp =
    best === undefined ? null : await bgpDefault(socket, best, (n) => named.get(n)?.name ?? String(n), signal);
  return { bgp, dhcp, count: routes.length, others };
}

function isBy({ protocol, hops }: SeenRoute, index: number, gateway: string): boolean {
  const [only, second] = hops;
  return OF_DHCP.includes(protocol) && second === undefined && only?.index === index && only.gateway === gateway;
}

async function bgpDefault(
  socket: NetlinkSocket,
  route: SeenRoute,
  nameOf: (index: number) => string,
  signal: AbortSignal,
): Promise<BgpDefault> {
  const { protocol, metric } = route;
  const all = await hopsOf(socket, route, signal);
  const problems: string[] = [];
  let answered = false;
  for (const { gateway, index } of all) {
    if (gateway === null) problems.push(`${nameOf(index)} is a gateway that cannot be asked`);
    else if (await answers(socket, { gateway, index }, signal)) answered = true;
    else problems.push(`${gateway} on ${nameOf(index)} has not answered`);
  }
  const each = all.map(({ gateway, index }) => `${gateway === null ? '' : `${gateway} on `}${nameOf(index)}`);
  const problem = answered ? null : problems.length === 0 ? 'it has no gateway' : problems.join(', ');
  return { metric, name: `${each.join(', ')} (${protocolName(protocol)})`, problem };
}

async function answers(
  socket: NetlinkSocket,
  hop: { gateway: string; index: number },
  signal: AbortSignal,
): Promise<boolean> {
  const family = hop.gateway.includes(':') ? 'ipv6' : 'ipv4';
  const known = await neighbour(socket, family, hop, signal);
  if (known === null || isFresh(known)) return known !== null;
  await askNeighbour(socket, family, hop, known, signal);
  for (const wait of ANSWER) {
    await sleep(wait, undefined, { signal });
    const now = await neighbour(socket, family, hop, signal);
    if (now !== null && isFresh(now)) return true;
  }
  return false;
}

/** Whether it proved that it is there, not long ago. */
export function isFresh({ state, confirmed }: Neighbour): boolean {
  if (state === 'reachable' || state === 'permanent' || state === 'noarp') return true;
  return confirmed !== null && confirmed <= FRESH;
}

/**
 * Puts the DHCP server's default routes behind all others, where they are ahead or missing: the new one is there before the old
 * one goes. Throws HostError.
 */
export async function putBehind(host: Host, gateways: readonly DhcpDefault[], signal: AbortSignal): Promise<void> {
  using socket = await NetlinkSocket.open();
  for (const gateway of gateways) {
    await put(socket, gateway, { metric: BEHIND + gateway.place, protocol: DHCP }, signal);
    await remove(socket, gateway, ({ metric }) => metric < BEHIND, signal);
  }
  note(host, 'behind');
}

/** Takes the DHCP server's default routes away. Throws HostError. */
export async function drop(host: Host, gateways: readonly DhcpDefault[], signal: AbortSignal): Promise<void> {
  // First: the hook must not bring back in between what goes now.
  note(host, 'dropped');
  using socket = await NetlinkSocket.open();
  for (const gateway of gateways) await remove(socket, gateway, () => true, signal);
}

/** As dhclient-script(8) makes them: with no metric, or of several gateways counted from 1. Throws HostError. */
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

/** Whether Holdfast has taken them away, here and now. */
export function isDropped(host: Host): boolean {
  return host.readText(EGRESS)?.trim() === 'dropped';
}

function note(host: Host, word: 'behind' | 'dropped'): void {
  host.makeFolder(RUN_FOLDER, 0o755);
  host.replaceOwn(EGRESS, `${word}\n`, 0o644);
}

async function put(
  socket: NetlinkSocket,
  { address, index, routes }: DhcpDefault,
  { metric, protocol }: { metric: number; protocol: number },
  signal: AbortSignal,
): Promise<void> {
  const hop = { gateway: address, index, weight: 1, onlink: false };
  const route: Route = {
    ...{ family: 'ipv4', destination: '0.0.0.0/0', table: MAIN_TABLE, metric },
    ...{ protocol, type: ROUTE_TYPE.unicast, hops: [hop], nexthopId: null, src: null, mtu: null },
  };
  // What is there of this metric may be somebody else's: then the old one has to stay.
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

/** `fine`: an error that says that it is so already. With the gateway in it no other route of the same metric is meant. */
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
  const code = getSystemErrorName(-errno!);
  const what = `default via ${route.hops[0]?.gateway} metric ${route.metric}`;
  throw new HostError(code, `the kernel does not ${deed} ${what}: ${code}`);
}

export function nameOfGateway({ address, interface: link }: LeasedGateway): string {
  return `${address} on ${link}`;
}
