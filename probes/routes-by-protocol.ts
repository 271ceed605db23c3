/** Routes by table and by who made them (bgp, static, kernel, ra …): what fills a table when it fills. */
import { countRoutes, type RouteCount } from '../agent/host/netlink/counts.ts';
import type { Family } from '../agent/host/netlink/message.ts';
import { protocolName, tableName } from '../agent/host/netlink/names.ts';
import { type Probe, sample } from './probe.ts';

/** Series of a family at most, however many tables there are: the smallest are then told as one. */
const MOST = 200;

/** It lists every route: 0.1 to 0.6 µs of the kernel's time for each. */
export function routesByProtocolProbe(): Probe {
  return {
    name: 'routes-by-protocol',
    cost: 'scales',
    async read(signal) {
      const ipv4 = await countRoutes('ipv4', signal);
      const ipv6 = await countRoutes('ipv6', signal);
      return [...byProtocol('ipv4', ipv4), ...byProtocol('ipv6', ipv6)];
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
