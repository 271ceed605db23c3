/**
 * What router advertisements made of an interface, as the kernel and the programs that act on them keep it: routes of
 * `proto ra`, and addresses with a lifetime. Name servers are not among it.
 */
import type { IpAddress, Prefix } from '../address/accepted.ts';
import { familyOf } from '../address/address.ts';
import { ipAddress, ipPrefix, prefixHolding } from '../address/address-checks.ts';
import type { Host } from '../host/host.ts';
import { INFINITE } from './known-lease.ts';
import type { AdvertisedPrefix, AdvertisedRoute, RecordedAdvertisement } from './recorded-advertisement.ts';

/** Seconds: for what no record has a lifetime of, because a program removes it itself. Longer than any rehearsal. */
const UNKNOWN_LIFETIME = 1800;

/** The router of prefixes whose router is none of the default routes. Nothing shows it, so any address will do. */
const UNKNOWN_ROUTER = ipAddress('fe80::ffff:1')!;

/** A part of an advertisement, without the parts that no address or route shows. */
export type KernelAdvertisement = Omit<RecordedAdvertisement, 'managed' | 'other' | 'servers' | 'domains'>;

/**
 * One of each router; empty if nothing came by advertisements. With several routers each has all prefixes, because the kernel
 * does not say whose they are. `leased` and `delegated`: the address by DHCPv6 and those of delegated prefixes, which are no
 * addresses of an advertisement. `heard`: routers that a program knows, also those that are no default router.
 */
export function kernelAdvertisements(
  host: Host,
  iface: string,
  {
    leased,
    delegated = [],
    heard,
  }: {
    readonly leased: IpAddress | null;
    readonly delegated?: readonly IpAddress[];
    readonly heard: readonly IpAddress[];
  },
): KernelAdvertisement[] {
  const routes = listed(host, ['-6', 'route', 'show', 'table', 'main', 'dev', iface]).filter(isAdvertised);
  const made = dynamicAddresses(host, iface);
  const prefixes = merged([
    ...routes.flatMap(onLinkPrefix),
    ...made.flatMap((one) => ownPrefix(one, [leased, ...delegated])),
  ]);
  const hops = routes.flatMap((route) => records(route.nexthops ?? [route]).map((hop) => ({ route, hop })));
  const byGateway = hops.flatMap(({ route, hop }) => {
    const router = linkLocal(hop.gateway);
    return router === null ? [] : [{ router, route }];
  });
  const routers = [...new Set([...byGateway.map(({ router }) => router), ...heard])];
  if (routers.length === 0 && prefixes.length > 0) routers.push(UNKNOWN_ROUTER);
  return routers.map((router) => {
    const own = byGateway.filter((one) => one.router === router).map(({ route }) => route);
    const main = own.find(({ dst }) => dst === 'default');
    return {
      router,
      lifetime: main === undefined ? 0 : Math.min(lifetimeOf(main.expires), 0xffff),
      preference: preferenceOf(main),
      hopLimit: 0,
      mtu: mtuOf(main),
      prefixes,
      routes: own.flatMap(routeOf),
    };
  });
}

/**
 * The address by DHCPv6 where no program names it: DHCPv6 gives no prefix, so the address stands alone. null if there is
 * none.
 */
export function kernelLease6(host: Host, iface: string): IpAddress | null {
  const alone = dynamicAddresses(host, iface).find(({ prefixlen }) => prefixlen === 128);
  return ownAddress(alone?.local);
}

/** The delegated prefixes of this host (RFC 8415, 6.3), by the unreachable routes that keep their unused parts from the uplink. */
export function kernelDelegations(host: Host): Prefix[] {
  const asked = ['-6', 'route', 'show', 'table', 'main', 'type', 'unreachable', 'proto', 'dhcp'];
  return listed(host, asked).flatMap(({ type, dst }) => (type === 'unreachable' ? (prefixOf(dst) ?? []) : []));
}

/** The addresses of IPv6 that the kernel counts a lifetime of, and that other hosts reach. */
function dynamicAddresses(host: Host, iface: string): Json[] {
  return listed(host, ['-6', 'addr', 'show', 'dev', iface])
    .flatMap((link) => records(link.addr_info))
    .filter(({ family, dynamic, scope }) => family === 'inet6' && dynamic === true && scope === 'global');
}

const ownAddress = (local: unknown) => (typeof local === 'string' ? ipAddress(local) : null);

/** The whole advertisement: with what a program tells. No option is empty. */
export function wholeAdvertisement(
  part: KernelAdvertisement,
  {
    servers,
    domains,
    ...flags
  }: Pick<RecordedAdvertisement, 'managed' | 'other'> & {
    readonly servers: readonly IpAddress[];
    readonly domains: readonly string[];
  },
): RecordedAdvertisement {
  return {
    ...part,
    ...flags,
    servers: servers.length === 0 ? [] : [{ addresses: servers, lifetime: UNKNOWN_LIFETIME }],
    domains: domains.length === 0 ? [] : [{ names: domains, lifetime: UNKNOWN_LIFETIME }],
  };
}

type Json = Readonly<Record<string, unknown>>;

/** Empty if `ip` fails: the kernel may have no IPv6. */
function listed(host: Host, args: readonly string[]): Json[] {
  const { status, stdout } = host.run('ip', ['-j', ...args]);
  if (status !== 0) return [];
  try {
    return records(JSON.parse(stdout));
  } catch {
    return [];
  }
}

function records(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter((one): one is Json => typeof one === 'object' && one !== null) : [];
}

/** The kernel's own route of an advertised prefix has a lifetime, as no other of its routes has. */
const isAdvertised = ({ protocol, expires }: Json) =>
  protocol === 'ra' || (protocol === 'kernel' && typeof expires === 'number');

function linkLocal(value: unknown): IpAddress | null {
  const address = typeof value === 'string' ? ipAddress(value) : null;
  return address?.startsWith('fe80:') ? address : null;
}

function prefixOf(value: unknown): Prefix | null {
  if (typeof value !== 'string') return null;
  const prefix = ipPrefix(value.includes('/') ? value : `${value}/128`);
  return prefix === null || familyOf(prefix) === 'ipv4' || prefix.startsWith('fe80:') ? null : prefix;
}

/** Seconds. `ip` leaves the lifetime out of a route that has none. */
const lifetimeOf = (expires: unknown) => (typeof expires === 'number' ? expires : UNKNOWN_LIFETIME);

function onLinkPrefix({ dst, gateway, nexthops, expires }: Json): AdvertisedPrefix[] {
  const prefix = prefixOf(dst);
  if (prefix === null || gateway !== undefined || nexthops !== undefined) return [];
  const valid = lifetimeOf(expires);
  return [{ prefix, onLink: true, autonomous: false, valid, preferred: valid }];
}

/** The prefix of which the host made itself an address. */
function ownPrefix(address: Json, others: readonly (IpAddress | null)[]): AdvertisedPrefix[] {
  const own = ownAddress(address.local);
  // SLAAC makes addresses of 64 bits only (RFC 4862, 5.5.3). A longer prefix is of a lease.
  if (own === null || others.includes(own) || address.prefixlen !== 64) return [];
  const [valid, preferred] = [address.valid_life_time, address.preferred_life_time].map((value) =>
    typeof value === 'number' ? value : INFINITE,
  );
  return [{ prefix: prefixHolding(own, 64), onLink: false, autonomous: true, valid: valid!, preferred: preferred! }];
}

/**
 * One of each network. An address's lifetimes count, because the route has one of them only. A temporary address ends before
 * its prefix does.
 */
function merged(prefixes: readonly AdvertisedPrefix[]): AdvertisedPrefix[] {
  return [...new Set(prefixes.map(({ prefix }) => prefix))].map((prefix) => {
    const all = prefixes.filter((one) => one.prefix === prefix);
    const own = all.filter(({ autonomous }) => autonomous).sort((a, b) => b.valid - a.valid);
    const { valid, preferred } = own[0] ?? all[0]!;
    return {
      prefix,
      onLink: all.some(({ onLink }) => onLink),
      autonomous: all.some(({ autonomous }) => autonomous),
      valid,
      preferred,
    };
  });
}

function routeOf(route: Json): AdvertisedRoute[] {
  const prefix = prefixOf(route.dst);
  return prefix === null ? [] : [{ prefix, preference: preferenceOf(route), lifetime: lifetimeOf(route.expires) }];
}

function preferenceOf(route: Json | undefined): RecordedAdvertisement['preference'] {
  const pref = route?.pref;
  return pref === 'low' || pref === 'high' ? pref : 'medium';
}

function mtuOf(route: Json | undefined): number | null {
  const mtu = records(route?.metrics).find((one) => typeof one.mtu === 'number')?.mtu;
  return typeof mtu === 'number' ? mtu : null;
}
