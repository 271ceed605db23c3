/**
 * The default routes of the main table with their next hops. They carry all packets that no more specific route takes.
 */
import type { Family } from '../../../address/address.ts';
import { dump, type Gatherer } from '../dump.ts';
import { links } from '../links.ts';
import { FAMILY, findAttribute, NETLINK_HEADER } from '../message-layout.ts';
import { NetlinkSocket } from '../socket.ts';
import { MAIN_TABLE } from '../table-names.ts';
import { hopsOf } from './nexthops.ts';
import { RTA, RTMSG, routeDump, tableOf } from './rtmsg.ts';
import { readRoute, type SeenHop, type SeenRoute } from './seen-route.ts';

export type Nexthop = Pick<SeenHop, 'gateway' | 'weight' | 'usable'> & { readonly interface: string };

export interface DefaultRoute {
  /** The kernel uses the route with the lowest metric. */
  readonly metric: number;
  /** Empty if packets are thrown away (blackhole, unreachable, prohibit). */
  readonly nexthops: readonly Nexthop[];
}

/**
 * The default routes of a family, made by any program, by their metrics, the best first. This costs a dump of the
 * family. IPv4 tables are listed from 0.0.0.0 on, so the rest of the main table is not read. Throws NetlinkError.
 */
export async function defaultRoutes(family: Family, signal: AbortSignal): Promise<SeenRoute[]> {
  // A socket of its own: the conversation may end before the kernel's answer does.
  using socket = await NetlinkSocket.open();
  const found = await dump(socket, routeDump(family), () => new DefaultRoutes(family), signal);
  return found.sort((a, b) => a.metric - b.metric);
}

/**
 * The same routes with the names of their interfaces. Several routes with one metric count as one; IPv6 has such routes
 * from router advertisements.
 */
export async function namedDefaultRoutes(family: Family, signal: AbortSignal): Promise<DefaultRoute[]> {
  const found = await defaultRoutes(family, signal);
  if (found.length === 0) return [];
  using socket = await NetlinkSocket.open();
  const interfaces = await links(socket, signal);
  const byMetric = new Map<number, Nexthop[]>();
  for (const route of found) {
    const named = (await hopsOf(socket, route, signal)).map(({ gateway, index, weight, usable }) => {
      return { gateway, interface: interfaces.get(index)?.name ?? String(index), weight, usable };
    });
    byMetric.set(route.metric, [...(byMetric.get(route.metric) ?? []), ...named]);
  }
  return [...byMetric].map(([metric, nexthops]) => ({ metric, nexthops }));
}

export class DefaultRoutes implements Gatherer<SeenRoute[]> {
  readonly #family: Family;
  readonly #found: SeenRoute[] = [];

  constructor(family: Family) {
    this.#family = family;
  }

  take(data: Buffer, at: number, end: number): boolean {
    const body = at + NETLINK_HEADER;
    if (data[body + RTMSG.family] !== FAMILY[this.#family]) return false;
    if (data[body + RTMSG.destinationLength] === 0) {
      const route = tableOf(data, at, end) === MAIN_TABLE ? readRoute(data, at, end) : null;
      if (route !== null) this.#found.push(route);
      return false;
    }
    return this.#family === 'ipv4' && isPastDefaults(data, body, end);
  }

  result(): SeenRoute[] {
    return this.#found;
  }
}

/**
 * Whether no default route of the main table follows this IPv4 route: all routes to 0.0.0.0 come first, whatever their
 * length.
 */
function isPastDefaults(data: Buffer, body: number, end: number): boolean {
  if (data[body + RTMSG.table] !== MAIN_TABLE) return false;
  const destination = findAttribute(data, body + RTMSG.size, end, RTA.destination);
  return destination !== null && data.readUInt32LE(destination.start) !== 0;
}
