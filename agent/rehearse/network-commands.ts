/**
 * The network of a stage as ip-address(8) and ip-route(8) write it: the lines that make it, and its addresses and routes as
 * both programs show them.
 */
import type { IpAddress } from '../address/accepted.ts';
import { familyOf } from '../address/address.ts';
import type { Address, Network, StageRoute } from './network.ts';

/**
 * The lines of `ip -batch` that make the copy. Every interface is one end of a wire; its other end is `peer<n>` in
 * `peer`.
 */
export function makeNetwork({ links, addresses, routes }: Network): { network: string[]; peer: string[] } {
  const wires = links.filter(({ name }) => name !== 'lo');
  return {
    network: [
      ...wires.flatMap(({ name, index, mtu, mac }, n) => {
        const address = mac === null ? '' : ` address ${mac}`;
        const rest = `mtu ${mtu}${address} type veth peer name peer${n} netns peer`;
        // If the namespace has a device of the kernel's with that index, such as sit0, the kernel chooses another index.
        return [`link add name ${name} index ${index} ${rest}`, `link add name ${name} ${rest}`];
      }),
      ...wires.filter(({ up }) => up).map(({ name }) => `link set dev ${name} up`),
      ...addresses.map(addAddress),
      ...addRoutes(routes.filter((route) => route.protocol !== 'kernel' || isByProgram(route, addresses))),
    ],
    peer: wires.map((_, n) => `link set dev peer${n} up`),
  };
}

/** Whether a program made the route of an address, which the kernel left to it (`noprefixroute`). */
function isByProgram({ hops }: StageRoute, addresses: readonly Address[]): boolean {
  return addresses.some((one) => one.noPrefixRoute && hops.some((hop) => hop.interface === one.interface));
}

/** The far end of the interface's wire. */
export function wireOf(iface: string, { links }: Pick<Network, 'links'>): string {
  return `peer${links.filter(({ name }) => name !== 'lo').findIndex(({ name }) => name === iface)}`;
}

/** The lines that make the far side answer for these addresses on the interface's wire. */
export function answerAs(addresses: readonly IpAddress[], iface: string, { links }: Network): string[] {
  const peer = wireOf(iface, { links });
  return [...addresses.map((one) => `addr add ${one}/32 dev ${peer}`), `route add default dev ${peer}`];
}

/** The words of `ip` that make the address. */
export function addAddress(one: Address): string {
  const lifetime = (name: string, value: number | null) => (value === null ? [] : [name, String(value)]);
  return [
    ...['addr', 'add'],
    // On a point-to-point link the prefix length belongs to the peer (ip-address(8)).
    ...(one.peer === null
      ? [one.address]
      : [one.address.replace(/\/.*/, ''), 'peer', `${one.peer}/${one.address.replace(/.*\//, '')}`]),
    ...(one.broadcast === null ? [] : ['broadcast', one.broadcast]),
    ...['dev', one.interface, 'scope', one.scope],
    ...(one.label === null ? [] : ['label', one.label]),
    ...lifetime('valid_lft', one.validFor),
    ...lifetime('preferred_lft', one.preferredFor),
    ...(one.noPrefixRoute ? ['noprefixroute'] : []),
    ...(one.metric === null ? [] : ['metric', String(one.metric)]),
    // The host has tried the address out.
    ...(one.address.includes(':') ? ['nodad'] : []),
  ].join(' ');
}

/** The lines that make the routes. Routes that lead to other routes' gateways come first. */
export function addRoutes(routes: readonly StageRoute[]): string[] {
  return routes.toSorted((a, b) => Number(hasGateway(a)) - Number(hasGateway(b))).map(addRoute);
}

const hasGateway = ({ hops }: StageRoute) => hops.some(({ gateway }) => gateway !== null);

/**
 * The words of `ip` that make the route. A multipath route's hops come last, because `ip` reads them to the end of the
 * line.
 */
export function addRoute(route: StageRoute): string {
  const [first, ...others] = route.hops;
  if (others.length === 0) return `route add ${routeLine(route)}${route.protocol === 'boot' ? ' proto boot' : ''}`;
  const hops = routeLine({ ...route, protocol: 'boot', scope: 'global', source: null, metric: null, onlink: false });
  const rest = routeLine({ ...route, hops: [{ ...first!, gateway: null, interface: null }] });
  return `route add ${rest} ${hops.slice(hops.indexOf('nexthop'))}`;
}

/** The address as `ip addr` shows it, without lifetimes. */
export function addressLine(one: Address): string {
  const { address, broadcast, peer, scope, noPrefixRoute, metric, label } = one;
  const parts = [
    ...[
      address,
      peer && `peer ${peer}`,
      metric && `metric ${metric}`,
      broadcast && `brd ${broadcast}`,
      `scope ${scope}`,
    ],
    ...[noPrefixRoute && 'noprefixroute', label],
  ];
  return parts.filter(Boolean).join(' ');
}

/** The route as `ip route` shows it. */
export function routeLine(route: StageRoute): string {
  const { destination, type, hops, protocol, scope, source, metric, onlink, family } = route;
  return [
    type === 'unicast' ? '' : type,
    destination,
    ...hops.map(({ gateway, interface: device, weight }) => {
      // An IPv4 route, whose gateway may be an IPv6 address (RFC 5549).
      const via =
        gateway === null ? '' : `via ${familyOf(gateway) === 'ipv6' && family !== 6 ? 'inet6 ' : ''}${gateway} `;
      const hop = `${via}${device === null ? '' : `dev ${device}`}`.trim();
      return hops.length === 1 ? hop : `nexthop ${hop} weight ${weight}`;
    }),
    protocol === 'boot' ? '' : `proto ${protocol}`,
    scope === 'global' ? '' : `scope ${scope}`,
    source === null ? '' : `src ${source}`,
    metric === null ? '' : `metric ${metric}`,
    onlink ? 'onlink' : '',
  ]
    .filter((part) => part !== '')
    .join(' ');
}
