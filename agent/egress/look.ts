/** The default route that packets take now, as the kernel answers it: its gateways, and whether each can be reached. */
import type { IpAddress } from '../address/accepted.ts';
import type { Family } from '../address/address.ts';
import { ipAddress } from '../address/address-checks.ts';
import { links } from '../host/netlink/links.ts';
import { type NeighbourState, neighbour } from '../host/netlink/neighbours.ts';
import { hopsOf } from '../host/netlink/routes/nexthops.ts';
import { matchedRoute } from '../host/netlink/routes/route-lookup.ts';
import type { RouterPreference, SeenRoute } from '../host/netlink/routes/seen-route.ts';
import type { NetlinkSocket } from '../host/netlink/socket.ts';

export interface Gateway {
  /** null if the destination is directly on the link. */
  readonly address: IpAddress | null;
  readonly index: number;
  readonly interface: string;
  /** 1 to 65,536. */
  readonly weight: number;
  /** Whether its interface is up and has a carrier. */
  readonly carrier: boolean;
  /** The neighbour's state; null for a destination on the link, or if this kernel does not report it. */
  readonly neighbour: NeighbourState | null;
  /** Whether packets reach the gateway, as far as the kernel knows. */
  readonly reachable: boolean;
}

export interface DefaultRouteView {
  readonly table: number;
  /** The number in rt_protos. */
  readonly protocol: number;
  readonly metric: number;
  /** Seconds until the route goes, unless its router advertises itself again; null if the route stays. */
  readonly expires: number | null;
  /** The router's preference (RFC 4191); null for IPv4. */
  readonly preference: RouterPreference | null;
  /** Empty if the route drops packets. */
  readonly gateways: readonly Gateway[];
  /** The first of 256 addresses that only the default route leads to. */
  readonly beyond: string;
}

/**
 * Addresses that the kernel is asked about; no packet is sent to them. First come those for benchmarks and
 * documentation (RFC 2544, 5737; 3849, 9637), which no network announces. The later ones serve hosts whose routes drop
 * the first.
 */
const BEYOND: Readonly<Record<Family, readonly string[]>> = {
  ipv4: ['198.18.0.0', '203.0.113.0', '198.51.100.0', '11.0.0.0', '126.255.255.0'],
  ipv6: ['2001:db8:ffff:ffff::', '3fff:fff:ffff:ffff::', '2a0f:ffff:ffff:ffff::'],
};

/** Looks at one family repeatedly, at a small cost that does not depend on the routing tables. */
export class EgressLook {
  readonly #family: Family;
  #names: ReadonlyMap<number, { name: string }> = new Map();
  /** Gateways that did not answer the last time. */
  readonly #silent = new Set<string>();

  constructor(family: Family) {
    this.#family = family;
  }

  /** null if there is no default route; `unseen` if all the addresses have their own routes. Throws NetlinkError. */
  async read(socket: NetlinkSocket, signal: AbortSignal): Promise<DefaultRouteView | 'unseen' | null> {
    const found = await this.#default(socket, signal);
    if (found === null || found === 'unseen') return found;
    const { route, beyond } = found;
    const hops = await hopsOf(socket, route, signal);
    if (hops.some(({ index }) => !this.#names.has(index))) this.#names = await links(socket, signal);
    const gateways: Gateway[] = [];
    for (const { gateway, index, weight, usable } of hops) {
      const known = gateway === null ? null : await neighbour(socket, { index, gateway }, signal);
      gateways.push({
        address: gateway,
        index,
        interface: this.#names.get(index)?.name ?? String(index),
        weight,
        carrier: usable,
        neighbour: known?.state ?? null,
        reachable: usable && this.#answers(`${index} ${gateway}`, known?.state),
      });
    }
    const { table, protocol, metric, expires, preference } = route;
    return { table, protocol, metric, expires, preference, gateways, beyond };
  }

  /** A gateway that the kernel is asking now, or has forgotten, counts as before. */
  #answers(gateway: string, state: NeighbourState | undefined): boolean {
    if (state === 'failed') this.#silent.add(gateway);
    else if (state !== 'none' && state !== 'incomplete' && state !== 'probe') this.#silent.delete(gateway);
    return !this.#silent.has(gateway);
  }

  async #default(
    socket: NetlinkSocket,
    signal: AbortSignal,
  ): Promise<{ route: SeenRoute; beyond: string } | 'unseen' | null> {
    let others = false;
    for (const beyond of BEYOND[this.#family]) {
      const route = await matchedRoute(socket, this.#family, ipAddress(beyond)!, {}, signal);
      if (route?.destination.endsWith('/0')) return { route, beyond };
      others ||= route !== null;
    }
    return others ? 'unseen' : null;
  }
}

export function gatewayName({ address, interface: link }: Pick<Gateway, 'address' | 'interface'>): string {
  return address === null ? link : `${address} on ${link}`;
}
