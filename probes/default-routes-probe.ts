/** The default routes of the main table: whether traffic still leaves by as many next hops as it should. */
import type { Family } from '../agent/address/address.ts';
import type { Host } from '../agent/host/host.ts';
import { type DefaultRoute, type Nexthop, namedDefaultRoutes } from '../agent/host/netlink/routes/default-routes.ts';
import { type Condition, type Probe, type Reading, sample } from './probe.ts';

const FAMILIES = ['ipv4', 'ipv6'] as const;
const HASH_POLICY = 'fib_multipath_hash_policy';

/** `expected` is the wanted number of next hops of each default route; null if nothing is checked. */
export function defaultRoutesProbe(host: Pick<Host, 'sysctl'>, expected: number | null): Probe {
  // A family that never had a default route needs none. A family that lost its route is reported.
  const had = new Set<Family>();
  return {
    name: 'default-routes',
    cost: 'scales',
    async read(signal) {
      const readings: Reading[] = [];
      const best = new Map<Family, DefaultRoute | undefined>();
      for (const family of FAMILIES) {
        const [route] = await namedDefaultRoutes(family, signal);
        best.set(family, route);
        if (route !== undefined) had.add(family);
        readings.push(...told(family, route));
        const policy = host.sysctl(`net/${family}/${HASH_POLICY}`);
        if (policy !== null) {
          readings.push(
            sample('system.network.route.multipath_hash_policy', Number(policy), { 'network.type': family }),
          );
        }
      }
      const checked: readonly Family[] = had.size === 0 ? ['ipv4'] : [...had];
      if (expected === null) return readings;
      return [...readings, ...checked.flatMap((family) => missing(family, best.get(family), expected))];
    },
  };
}

function told(family: Family, route: DefaultRoute | undefined): Reading[] {
  const nexthops = route?.nexthops ?? [];
  const weights = nexthops.map(({ gateway, interface: link, weight, usable }) => {
    const attributes = { 'network.type': family, 'network.interface.name': link, gateway: gateway ?? 'link', usable };
    return sample('system.network.route.default.weight', weight, attributes);
  });
  const usable = nexthops.filter(({ usable }) => usable).length;
  return [sample('system.network.route.default.nexthops', usable, { 'network.type': family }), ...weights];
}

function missing(family: Family, route: DefaultRoute | undefined, expected: number): Condition[] {
  const nexthops = route?.nexthops ?? [];
  const usable = nexthops.filter(({ usable }) => usable).length;
  if (usable === expected) return [];
  const label = family === 'ipv4' ? 'IPv4' : 'IPv6';
  const is =
    route === undefined ? `There is no ${label} default route` : `The ${label} default route has ${list(nexthops)}`;
  const body = `${is}; ${expected} usable next hops are expected (expect.default.nexthops)`;
  const attributes = { 'network.type': family, nexthops: usable, expected };
  return [{ kind: 'condition', code: 'default-nexthops', severity: 'error', body, attributes }];
}

function list(nexthops: readonly Nexthop[]): string {
  if (nexthops.length === 0) return 'no next hop';
  const each = nexthops.map(({ gateway, interface: link, usable }) => {
    return `${gateway === null ? 'the link' : gateway} on ${link}${usable ? '' : ' (down)'}`;
  });
  return `the next hops ${each.join(', ')}`;
}
