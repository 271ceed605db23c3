/** Routes of this network namespace whose next hop is the address. Made by any program, in every table. */
import ipaddr from 'ipaddr.js';
import type { IpAddress } from '../address/accepted.ts';
import { type Family, familyOf } from '../address/address.ts';
import { errorMessage } from '../host/errors.ts';
import { dump, type Gatherer } from '../host/netlink/dump.ts';
import { links } from '../host/netlink/links.ts';
import { findAttribute, NETLINK_HEADER } from '../host/netlink/message-layout.ts';
import { hopsOf } from '../host/netlink/routes/nexthops.ts';
import { RTA, RTMSG, routeDump } from '../host/netlink/routes/rtmsg.ts';
import { readRoute, type SeenRoute } from '../host/netlink/routes/seen-route.ts';
import { NetlinkSocket } from '../host/netlink/socket.ts';
import { MAIN_TABLE } from '../host/netlink/table-names.ts';
import type { Dependence, DependsAnswer, DependsSource } from './dependence.ts';
import { canonicalAddress } from './found-addresses.ts';
import type { Surroundings } from './surroundings.ts';

const COMMON = { tense: 'now', source: 'routes' } as const;
/** The most routes that are named for one address. */
const MOST = 10;

export function routesSource({ host }: Surroundings): DependsSource {
  return {
    name: COMMON.source,
    tense: COMMON.tense,
    async look(addresses, signal): Promise<DependsAnswer> {
      // A gateway is no name server.
      if (addresses === null || !host.live) return { found: [], unseen: [] };
      const found: Dependence[] = [];
      try {
        using socket = await NetlinkSocket.open();
        for (const family of ['ipv4', 'ipv6'] as const)
          found.push(...(await throughThem(socket, family, addresses, signal)));
      } catch (error) {
        signal.throwIfAborted();
        return { found, unseen: [{ ...COMMON, reason: `the kernel did not list its routes: ${errorMessage(error)}` }] };
      }
      return { found, unseen: [] };
    },
  };
}

async function throughThem(
  socket: NetlinkSocket,
  family: Family,
  addresses: ReadonlySet<IpAddress>,
  signal: AbortSignal,
): Promise<Dependence[]> {
  const routes = await dump(socket, routeDump(family), () => new Candidates(family, [...addresses]), signal);
  const names = routes.length === 0 ? new Map() : await links(socket, signal);
  const byAddress = new Map<IpAddress, string[]>();
  for (const route of routes) {
    for (const { gateway, index } of await hopsOf(socket, route, signal)) {
      const address = gateway === null ? null : canonicalAddress(gateway);
      if (address === null || !addresses.has(address)) continue;
      const where = `${route.destination} via ${gateway} dev ${names.get(index)?.name ?? index}${route.table === MAIN_TABLE ? '' : ` table ${route.table}`}`;
      byAddress.set(address, [...(byAddress.get(address) ?? []), where]);
    }
  }
  return [...byAddress].flatMap(([address, wheres]) => {
    const more = wheres.length - MOST;
    return wheres.slice(0, MOST).map((where, at): Dependence => {
      const rest = at === MOST - 1 && more > 0 ? `; so do ${more} more routes` : '';
      const cure = `give the route another next hop: ip route show ${where.split(' via ')[0]}`;
      return {
        ...COMMON,
        address,
        who: 'the kernel',
        where,
        reason: `the route leads through ${address}${rest}`,
        cure,
      };
    });
  });
}

/** Routes that may lead through one of the addresses: their message has its bytes, or names a nexthop object. */
class Candidates implements Gatherer<SeenRoute[]> {
  readonly #family: Family;
  readonly #bytes: readonly Buffer[];
  readonly #objects = new Set<number>();
  readonly #found: SeenRoute[] = [];

  constructor(family: Family, addresses: readonly IpAddress[]) {
    this.#family = family;
    // An IPv4 route may have a gateway of IPv6 (RTA_VIA).
    const usable = addresses.filter((address) => family === 'ipv4' || familyOf(address) === 'ipv6');
    this.#bytes = usable.map((address) => Buffer.from(ipaddr.parse(address).toByteArray()));
  }

  take(data: Buffer, at: number, end: number): false {
    const attributes = data.subarray(at + NETLINK_HEADER + RTMSG.size, end);
    const mayBe = this.#bytes.some((bytes) => attributes.includes(bytes));
    const route =
      mayBe || findAttribute(data, at + NETLINK_HEADER + RTMSG.size, end, RTA.nexthopId) !== null
        ? readRoute(data, at, end)
        : null;
    if (route?.family !== this.#family) return false;
    // One route stands for all routes of a nexthop object.
    if (!mayBe && (route.nexthopId === null || this.#objects.has(route.nexthopId))) return false;
    if (route.nexthopId !== null) this.#objects.add(route.nexthopId);
    this.#found.push(route);
    return false;
  }

  result(): SeenRoute[] {
    return this.#found;
  }
}
