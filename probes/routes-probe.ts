/** The number of routes in the kernel, its growth, and the kernel's limit if there is one. */
import type { Host } from '../agent/host/host.ts';
import { ipv4Tries, ipv6RouteStats, routeSlabs, type TrieTable } from '../agent/host/kernel/route-counters.ts';
import { ipv6RouteLimit, type RouteLimit } from '../agent/host/kernel/route-limit.ts';
import { countRoutes } from '../agent/host/netlink/routes/counts.ts';
import { mainIsLocal } from '../agent/host/netlink/routes/one-trie.ts';
import { Growth } from './growth.ts';
import { isNear } from './near-limit.ts';
import { type Probe, type Reading, sample } from './probe.ts';

/** Two IPv4 tables with at most this many routes might look the same by chance. */
const ALIKE_BY_CHANCE = 10_000;

/** Number of looks at fib_triestat, because the first rule may be added between two looks. */
const TRIES = 2;

const IPV4 = { 'network.type': 'ipv4' } as const;
const IPV6 = { 'network.type': 'ipv6' } as const;

/**
 * `clock` is in milliseconds. IPv6 has a counter. IPv4 has none, so the kernel walks its tries: 40 to 110 ms for
 * 1,000,000 routes. The probe's cost therefore `scales`, although it can be read at every heartbeat up to some
 * millions.
 */
export function routesProbe(host: Pick<Host, 'sysctl' | 'run'>, clock = () => performance.now()): Probe {
  const growth = { ipv4: new Growth(), ipv6: new Growth(), cached: new Growth() };
  let limit: RouteLimit | null | undefined;
  return {
    name: 'routes',
    cost: 'scales',
    async read(signal) {
      const readings: Reading[] = routeSlabs().map(({ name, bytes }) => {
        return sample('system.network.route.memory', bytes, { cache: name });
      });
      const ipv4 = await ipv4Total(signal);
      if (ipv4 !== null) readings.push(...total(ipv4, growth.ipv4.add(clock(), ipv4), IPV4));
      const ipv6 = await ipv6RouteStats();
      if (ipv6 === null) return readings;
      readings.push(...total(ipv6.routes, growth.ipv6.add(clock(), ipv6.routes), IPV6));
      // Learning whether the limit is enforced starts a process, so it happens once. The value may change at any time.
      limit ??= ipv6RouteLimit(host);
      const value = Number(host.sysctl('net/ipv6/route/max_size'));
      return [...readings, ...againstLimit(limit, value, ipv6.cached, growth.cached.add(clock(), ipv6.cached))];
    },
  };
}

/** The number in all tables; null if this kernel has no IPv4. */
async function ipv4Total(signal: AbortSignal): Promise<number | null> {
  for (let before = await mainIsLocal(signal), tries = 1; tries <= TRIES; tries += 1) {
    const tables = await ipv4Tries();
    if (tables === null) return null;
    const after = await mainIsLocal(signal);
    const sum = before === after ? sumOfTries(tables, after) : null;
    if (sum !== null) return sum;
    before = after;
  }
  // This list has each route once, even if fib_triestat counts it twice.
  const counts = await countRoutes('ipv4', signal);
  return counts.reduce((all, { routes }) => all + routes, 0);
}

/**
 * Until the first rule is added, `main` and `local` are one trie. fib_triestat then shows that trie twice, each time
 * with the routes of both tables. Two looks differ while a table is loaded. `oneTrie`: whether the two tables are one
 * trie; null if the kernel does not say. Returns null if the number is uncertain: the two differ, or they are equal but
 * small enough for chance.
 */
export function sumOfTries(tables: readonly TrieTable[], oneTrie: boolean | null): number | null {
  const main = tables.find(({ name }) => name === 'Main');
  const local = tables.find(({ name }) => name === 'Local');
  const sum = tables.reduce((all, { routes }) => all + routes, 0);
  if (main === undefined || local === undefined || oneTrie === false) return sum;
  if (oneTrie === null && (main.text !== local.text || sum <= ALIKE_BY_CHANCE)) return null;
  return sum - local.routes;
}

function total(count: number, growth: number | null, attributes: typeof IPV4 | typeof IPV6): Reading[] {
  const counted = sample('system.network.route.count', count, attributes);
  return growth === null ? [counted] : [counted, sample('system.network.route.growth', growth, attributes)];
}

/** `cached`: the number of entries that the kernel compares with its limit, which are not the routes. */
export function againstLimit(
  limit: RouteLimit | null,
  value: number,
  cached: number,
  growth: number | null,
): Reading[] {
  if (limit === null) return [];
  const { enforced, release, why } = limit;
  if (enforced === null) {
    const body = `Cannot find out whether Linux ${release} enforces net.ipv6.route.max_size: ${why}`;
    return [{ kind: 'condition', code: 'route-limit-unknown', severity: 'info', body, attributes: IPV6 }];
  }
  const verdict = sample('system.network.route.limit.enforced', enforced ? 1 : 0, { ...IPV6, reason: why });
  if (!enforced) return [verdict];
  const readings: Reading[] = [
    verdict,
    sample('system.network.route.limit', value, IPV6),
    sample('system.network.route.cache', cached, IPV6),
    sample('system.network.route.utilization', cached / value, IPV6),
  ];
  if (growth !== null && growth > 0) {
    readings.push(sample('system.network.route.time_to_limit', Math.max(0, value - cached) / growth, IPV6));
  }
  if (!isNear(cached, value)) return readings;
  const body =
    `${cached} of ${value} entries that net.ipv6.route.max_size allows are used, and Linux ${release} enforces it: ${why}. ` +
    'Raise net.ipv6.route.max_size in the configuration';
  return [...readings, { kind: 'condition', code: 'table-near-limit', severity: 'warn', body, attributes: IPV6 }];
}
