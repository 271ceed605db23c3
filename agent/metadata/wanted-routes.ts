/** The configured routes with the values of the cloud's metadata, in the kernel's terms. */
import type { IpAddress, Prefix } from '../address/accepted.ts';
import { isPrefix } from '../address/address.ts';
import { addressOfBytes, ipAddress } from '../address/address-checks.ts';
import type { DesiredNexthop, DesiredRoute } from '../config/desired.ts';
import type { MetadataWish } from '../config/desired-metadata.ts';
import { bytesOf, ROUTE_TYPE, type Route, type RouteHop } from '../host/netlink/routes/route.ts';
import { MAIN_TABLE } from '../host/netlink/table-names.ts';
import type { MetadataValue } from './clouds/provider.ts';
import type { MetadataSource } from './source.ts';
import { destinationWish, gatewayWish, wishKey } from './wishes.ts';

export interface WantedHop extends Omit<RouteHop, 'index'> {
  /** null if the kernel finds the interface by the gateway. */
  readonly dev: string | null;
}

export interface WantedRoute extends Omit<Route, 'hops' | 'protocol'> {
  readonly hops: readonly WantedHop[];
  readonly takeOver: boolean;
}

export interface WantedEntry {
  /** `10.0.0.0/16 table 100 metric 50`: unique. */
  readonly name: string;
  /** The metadata's name of its destination; null if the configuration has the destination itself. */
  readonly wish: string | null;
  /** null if a value from the metadata is unknown. */
  readonly route: WantedRoute | null;
  /** The reason, or a note to the operator. */
  readonly problem: string | null;
}

/** One route for each value of the destination; empty if the destination has no value. */
export function wantedRoutes(routes: readonly DesiredRoute[], metadata: MetadataSource | null): WantedEntry[] {
  const all = routes.flatMap((route) => wantedOf(route, metadata));
  const first = new Set<string>();
  return all.map((wanted) => {
    if (!first.has(wanted.name)) {
      first.add(wanted.name);
      return wanted;
    }
    const problem = 'another entry of `routes` has come to the same destination, table and metric';
    return { ...wanted, name: `${wanted.name} (${wanted.wish})`, route: null, problem };
  });
}

function wantedOf(desired: DesiredRoute, metadata: MetadataSource | null): WantedEntry[] {
  const wish = destinationWish(desired);
  const key = wish === null ? null : wishKey(wish);
  const unknown = (to: string, problem: string): WantedEntry => {
    return { name: routeName({ ...desired, destination: to }), wish: key, route: null, problem };
  };
  const destinations = destinationsOf(desired, metadata);
  if (destinations.values === null) return [unknown(`metadata:${key}`, destinations.problem)];
  const hops = desired.nexthops.map((hop) => wantedHop(hop, metadata));
  return destinations.values.map((destination): WantedEntry => {
    const problem = hops.flatMap((hop) => ('problem' in hop ? hop.problem : []))[0];
    if (problem !== undefined) return unknown(destination, problem);
    const { family, table, metric, type, nexthopId, src, mtu, takeOver } = desired;
    const known = hops.filter((hop): hop is WantedHop => !('problem' in hop));
    const what = { family, destination, table, metric, type: ROUTE_TYPE[type] };
    const route = { ...what, hops: known, nexthopId, src, mtu, takeOver };
    return { name: routeName(route), wish: key, route, problem: destinations.problem };
  });
}

function destinationsOf({ to, nexthops }: DesiredRoute, metadata: MetadataSource | null): Answer<Prefix> {
  if (typeof to === 'string') return { values: [to], problem: null };
  return ask(metadata, destinationWish({ to, nexthops })!, isPrefix);
}

function wantedHop(hop: DesiredNexthop, metadata: MetadataSource | null): WantedHop | { readonly problem: string } {
  const { via, dev, weight, onlink } = hop;
  if (via === null || typeof via === 'string') return { gateway: via, dev, weight, onlink };
  const wish = gatewayWish(hop)!;
  const { values, problem } = ask(metadata, wish, (value) => !isPrefix(value));
  const [gateway] = values ?? [];
  return gateway === undefined
    ? { problem: problem ?? `there is no ${wishKey(wish)}` }
    : { gateway, dev, weight, onlink };
}

type Answer<Value> =
  | { readonly values: readonly Value[]; readonly problem: string | null }
  | { readonly values: null; readonly problem: string };

function ask<Value extends MetadataValue>(
  metadata: MetadataSource | null,
  wish: MetadataWish,
  fits: (value: MetadataValue) => value is Value,
): Answer<Value> {
  const { values, problem, source } = metadata!.resolve(wish);
  if (values?.every(fits))
    return { values, problem: problem === null ? null : `${wishKey(wish)} is of ${source}: ${problem}` };
  return { values: null, problem: `${wishKey(wish)} is not known yet: ${problem ?? source}` };
}

/** The name in ip-route(8)'s notation, with the metric only if it is not the family's default. */
export function routeName({
  destination,
  table,
  metric,
  family,
}: Pick<Route, 'table' | 'metric' | 'family'> & { readonly destination: string }): string {
  const ordinary = family === 'ipv4' ? 0 : 1024;
  return [
    destination,
    ...(table === MAIN_TABLE ? [] : [`table ${table}`]),
    ...(metric === ordinary ? [] : [`metric ${metric}`]),
  ].join(' ');
}

/** `via 10.0.1.1 dev eth0 src 10.0.1.5 mtu 1400`, `nhid 42` */
export function describeRoute(route: Pick<WantedRoute, 'type' | 'hops' | 'nexthopId' | 'src' | 'mtu'>): string {
  const { type, hops, nexthopId, src, mtu } = route;
  return [
    ...(type === ROUTE_TYPE.unicast ? [] : [typeName(type)]),
    ...(nexthopId === null ? [] : [`nhid ${nexthopId}`]),
    ...hops.map((hop) => describeHop(hop, hops.length > 1)),
    ...(src === null ? [] : [`src ${src}`]),
    ...(mtu === null ? [] : [`mtu ${mtu}`]),
  ].join(' ');
}

function typeName(type: number): string {
  const [name] = Object.entries(ROUTE_TYPE).find(([, number]) => number === type) ?? [String(type)];
  return name;
}

export function describeHop({ gateway, dev, weight, onlink }: WantedHop, several = false): string {
  return [
    ...(gateway === null ? [] : [`via ${gateway}`]),
    ...(dev === null ? [] : [`dev ${dev}`]),
    ...(several ? [`weight ${weight}`] : []),
    ...(onlink ? ['onlink'] : []),
  ].join(' ');
}

/**
 * Addresses to test a default route with: from networks for documentation, to which no routes exist (RFC 5737, RFC
 * 3849).
 */
const ANYWHERE: Readonly<Record<string, readonly string[]>> = {
  '0.0.0.0/0': ['192.0.2.1', '198.51.100.1'],
  '::/0': ['2001:db8::1', '2001:db8:ffff::1'],
};

/** The lowest and the highest address of a network. A more specific route seldom covers both. */
export function addressesOf(destination: Prefix): readonly IpAddress[] {
  const anywhere = ANYWHERE[destination];
  if (anywhere !== undefined) return anywhere.map((address) => ipAddress(address)!);
  const [network = '', length] = destination.split('/');
  const first = [...bytesOf(network)];
  const last = first.map((byte, i) => byte | (0xff >> Math.min(8, Math.max(0, Number(length) - 8 * i))));
  return [first, last].map((bytes) => addressOfBytes(Uint8Array.from(bytes)));
}
