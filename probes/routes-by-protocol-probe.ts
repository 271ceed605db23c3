/**
 * Routes by table and by the program that made them (bgp, static, kernel, ra …): they show which routes fill a table.
 */
import type { Family } from '../agent/address/address.ts';
import type { RouteCount } from '../agent/host/netlink/routes/counts.ts';
import { protocolName, tableName } from '../agent/host/netlink/table-names.ts';
import { type Probe, type Reading, sample } from './probe.ts';
import { RouteCounts } from './route-counts.ts';

/** The most series of a family. With more tables, the smallest tables become one series. */
const MOST = 200;

/** The probe lists every route, which takes 0.1 to 0.6 µs of the kernel's time for each. */
export function routesByProtocolProbe(counts = new RouteCounts()): Probe {
  return {
    name: 'routes-by-protocol',
    cost: 'scales',
    async read(signal) {
      const ipv4 = await counts.recent('ipv4', signal);
      const ipv6 = await counts.recent('ipv6', signal);
      return [
        ...byProtocol('ipv4', ipv4),
        ...byProtocol('ipv6', ipv6),
        ...offloadFailed('ipv4', ipv4),
        ...offloadFailed('ipv6', ipv6),
      ];
    },
  };
}

export function byProtocol(family: Family, counts: readonly RouteCount[]) {
  const sorted = counts.toSorted((a, b) => b.routes - a.routes);
  const told = sorted.length > MOST ? sorted.slice(0, MOST - 1) : sorted;
  const rest = sorted.slice(told.length).reduce((sum, { routes }) => sum + routes, 0);
  const one = (table: string, protocol: string, routes: number) =>
    sample('system.network.route.table.count', routes, { 'network.type': family, table, protocol });
  const samples = told.map(({ table, protocol, routes }) => one(tableName(table), protocolName(protocol), routes));
  return rest > 0 ? [...samples, one('other', 'other', rest)] : samples;
}

/** No readings if there are no such routes. Kernels before 5.12, and hosts without such hardware, never report any. */
export function offloadFailed(family: Family, counts: readonly RouteCount[]): Reading[] {
  const failed = counts.filter((count) => count.offloadFailed > 0);
  if (failed.length === 0) return [];
  const total = failed.reduce((sum, count) => sum + count.offloadFailed, 0);
  const protocols = [...new Set(failed.map(({ protocol }) => protocolName(protocol)))].join(', ');
  const body =
    `The hardware did not take ${total} ${family === 'ipv4' ? 'IPv4' : 'IPv6'} routes (${protocols}) that the kernel has, so packets that ` +
    'the hardware forwards go another way, or nowhere. Its tables may be full: announce fewer routes to this switch, or filter them';
  const attributes = { 'network.type': family };
  return [
    sample('system.network.route.offload_failed', total, attributes),
    { kind: 'condition', code: 'route-offload-failed', severity: 'error', body, attributes },
  ];
}
