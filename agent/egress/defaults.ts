/**
 * The IPv4 default routes of this host by their origin. BGP's route shows whether its gateway answers, and DHCP's shows
 * its place among the others.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DesiredDhcp } from '../config/desired.ts';
import type { Host } from '../host/host.ts';
import { links } from '../host/netlink/links.ts';
import { askNeighbour, type Neighbour, neighbour } from '../host/netlink/neighbours.ts';
import { defaultRoutes } from '../host/netlink/routes/default-routes.ts';
import { hopsOf } from '../host/netlink/routes/nexthops.ts';
import { ROUTE_TYPE } from '../host/netlink/routes/route.ts';
import type { SeenRoute } from '../host/netlink/routes/seen-route.ts';
import { NetlinkSocket } from '../host/netlink/socket.ts';
import { protocolName } from '../host/netlink/table-names.ts';
import { notByLooks } from '../host/recorded-looks.ts';
import { monotonicNow } from '../host/steady-clock.ts';
import { type LeasedGateway, leasedGateways } from './leased.ts';
import { type AheadNote, aheadNote, type NotedGateway } from './note.ts';

/** zebra, bird, bgp (FRR). BIRD and old FRRs do not mark by which protocol they learned a route. */
const OF_BGP: readonly number[] = [11, 12, 186];
/** dhcp, and boot, which ip-route(8) uses if no protocol is named, as in dhclient-script. */
export const BOOT = 3;
export const DHCP = 16;
const OF_DHCP: readonly number[] = [BOOT, DHCP];
/** Milliseconds for which an answer of a gateway counts, unless the next answer fails. */
const FRESH = 60_000;
/** Milliseconds for which BGP's gateways must answer again before DHCP's route goes back behind BGP's. */
const ANSWERING = 30_000;
/** Milliseconds between looks for a gateway's answer. An answer on a link takes 1 to 2 ms. */
const ANSWER = [5, 20, 75, 200];

export interface EgressView {
  /** The best default route of a BGP daemon; null if there is none. */
  readonly bgp: BgpDefault | null;
  readonly dhcp: readonly DhcpDefault[];
  /** The number of default routes in the main table. */
  readonly count: number;
  /** Default routes of other origin, such as `static metric 100`. */
  readonly others: readonly string[];
  /** Why DHCP's route must stay ahead of BGP's, where Holdfast put it; null if it need not stay there. */
  readonly ahead: StaysAhead | null;
}

export interface StaysAhead {
  readonly why: string;
  /** Whether BGP's gateways are still silent. */
  readonly silent: boolean;
}

export interface BgpDefault {
  readonly metric: number;
  /** `10.88.0.1 on eth0, 10.88.1.1 on eth1 (bird)` */
  readonly name: string;
  /** Why the route is not usable; null if at least one of its gateways answered lately. */
  readonly problem: string | null;
  /** Whether every next hop is a gateway that was asked and did not answer. */
  readonly silent: boolean;
  readonly gateways: readonly NotedGateway[];
}

export interface DhcpDefault extends LeasedGateway {
  readonly index: number;
  /** The gateway's place among those of all leases, from 0. */
  readonly place: number;
  /** The routes by this gateway, the best first; empty if there is none. */
  readonly routes: readonly SeenRoute[];
}

/** Asks those of BGP's gateways that have not answered lately, and waits a moment. Throws NetlinkError. */
export async function lookAtDefaults(host: Host, dhclient: DesiredDhcp, signal: AbortSignal): Promise<EgressView> {
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
  const ahead = await staysAhead(socket, aheadNote(host), bgp, (n) => named.get(n)?.name ?? String(n), signal);
  return { bgp, dhcp, count: routes.length, others, ahead };
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
    if (gateway === null) problems.push(`the next hop ${nameOf(index)} has no gateway that could be asked`);
    else if (await answers(socket, { gateway, index }, signal)) answered = true;
    else problems.push(`${gateway} on ${nameOf(index)} has not answered`);
  }
  const each = all.map(({ gateway, index }) => `${gateway === null ? '' : `${gateway} on `}${nameOf(index)}`);
  const problem = answered ? null : problems.length === 0 ? 'it has no gateway' : problems.join(', ');
  const gateways = all.flatMap(({ gateway, index }) => (gateway === null ? [] : [{ gateway, index }]));
  const silent = !answered && gateways.length > 0 && gateways.length === all.length;
  return { metric, name: `${each.join(', ')} (${protocolName(protocol)})`, problem, silent, gateways };
}

/**
 * FRR removes its own default route from the kernel as soon as another route is ahead, so we ask the noted silent
 * gateways directly. Returns null if nothing was put ahead, or if they have answered for a while.
 */
async function staysAhead(
  socket: NetlinkSocket,
  note: AheadNote | null,
  bgp: BgpDefault | null,
  nameOf: (index: number) => string,
  signal: AbortSignal,
): Promise<StaysAhead | null> {
  if (note === null) return null;
  if (bgp?.problem != null) return { why: bgp.problem, silent: true };
  let silent = bgp === null;
  for (const one of silent ? note.gateways : []) if (await answers(socket, one, signal)) silent = false;
  const names = note.gateways.map(({ gateway, index }) => `${gateway} on ${nameOf(index)}`).join(', ');
  if (silent) return { why: `${names} has not answered`, silent };
  const why = `${names} answers again, but for less than ${ANSWERING / 1000} s so far`;
  notByLooks(); // The time decides.
  return monotonicNow() - note.at < ANSWERING ? { why, silent } : null;
}

async function answers(socket: NetlinkSocket, hop: NotedGateway, signal: AbortSignal): Promise<boolean> {
  const known = await neighbour(socket, hop, signal);
  if (known === null || isFresh(known)) return known !== null;
  await askNeighbour(socket, hop, known, signal);
  for (const wait of ANSWER) {
    await sleep(wait, undefined, { signal });
    const now = await neighbour(socket, hop, signal);
    if (now !== null && isFresh(now)) return true;
  }
  return false;
}

/** Whether the gateway has answered lately. */
export function isFresh({ state, confirmed }: Neighbour): boolean {
  if (state === 'reachable' || state === 'permanent' || state === 'noarp') return true;
  return confirmed !== null && confirmed <= FRESH;
}
