/** The IPv6 part of a stage's network: the interface's addresses and routes, read and made again as in network.ts. */
import type { IpAddress } from '../address/accepted.ts';
import type { Host } from '../host/host.ts';
import { type Address, askIp, BY_HAND, onInterface, parseAddresses, parseRoutes, type StageRoute } from './network.ts';
import { addAddress, addRoutes } from './network-commands.ts';

export interface Network6 {
  /** The link-local addresses also. */
  readonly addresses: readonly Address[];
  readonly routes: readonly StageRoute[];
}

/** Also those of router advertisements. The kernel makes routes of advertised prefixes. */
const COPIED = [...BY_HAND, 'ra', 'kernel'];

export function network6Around(host: Host, iface: string): Network6 {
  const routes = parseRoutes(askIp(host, ['-6', 'route', 'show', 'table', 'main', 'dev', iface]), 6);
  return {
    addresses: parseAddresses(askIp(host, ['-6', 'addr', 'show', 'dev', iface]), 6),
    routes: routes.map((one) => onInterface(one, iface)).filter((one) => COPIED.includes(one.protocol) && isSeen(one)),
  };
}

/** Lines of `ip -6 -batch` for the near side. A link that is up has its own addresses already: none is made or tried out. */
export function makeNetwork6({ addresses, routes }: Network6, iface: string): string[] {
  if (addresses.length === 0 && routes.length === 0) return [];
  return [
    `link set dev ${iface} addrgenmode none`,
    // The kernel puts each before those that it has.
    ...addresses.toReversed().map(addAddress),
    // The kernel makes the routes of addresses by itself, and refuses a second one.
    ...addRoutes(routes),
  ];
}

/** The far side: a router and server that answers at once, also as the routers that the host knows or that advertise. */
export function farSide6({ routes }: Network6, advertising: readonly IpAddress[], wire: string): string[] {
  const known = routes.flatMap(({ hops }) => hops.find(({ gateway }) => gateway !== null)?.gateway ?? []);
  const routers = [...known, ...advertising].filter((one) => one.startsWith('fe80:'));
  return [
    `link set dev ${wire} addrgenmode none`,
    ...[...new Set(['fe80::ffff:1', ...routers])].map((one) => `addr add ${one}/64 dev ${wire} nodad`),
  ];
}

/** Not shown: what every link has by itself. */
const isSeen = ({ destination }: StageRoute) => !/^(fe80:|ff00:)/.test(destination);
const isGlobal = ({ scope, interface: iface }: Address) => scope !== 'link' && iface !== 'lo';

export const seenAddresses6 = (text: string) => parseAddresses(text, 6).filter(isGlobal);
export const seenRoutes6 = (text: string) => parseRoutes(text, 6).filter(isSeen);
export const withoutLinkLocal = ({ addresses, routes }: Network6): Network6 => ({
  addresses: addresses.filter(isGlobal),
  routes,
});

/** The sysctls that would have the stage's link make other link-local addresses than the copied ones. */
export const OF_OWN_ADDRESSES = /^net\/ipv6\/conf\/[^/]+\/(addr_gen_mode|stable_secret)$/;
