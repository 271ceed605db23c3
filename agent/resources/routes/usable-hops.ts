/** Which next hops of wanted routes the host's interfaces and nexthop objects let be used now. */
import type { IpAddress } from '../../address/accepted.ts';
import { type Family, familyOf } from '../../address/address.ts';
import { findLink, type Link } from '../../host/netlink/links.ts';
import { hasNexthop } from '../../host/netlink/routes/nexthops.ts';
import { ROUTE_TYPE, type RouteHop } from '../../host/netlink/routes/route.ts';
import { matchedRoute } from '../../host/netlink/routes/route-lookup.ts';
import type { NetlinkSocket } from '../../host/netlink/socket.ts';
import { describeHop, type WantedHop, type WantedRoute } from '../../metadata/wanted-routes.ts';

/** Several links of a host may have the same address of this kind. */
export function isLinkLocal(address: string): boolean {
  return /^fe[89ab]/i.test(address);
}

/** A wanted route as far as the host's interfaces and nexthop objects let it be made. */
export interface TriedRoute {
  readonly wanted: WantedRoute;
  /** The next hops whose interface is up, with the kernel's form of each. */
  readonly hops: readonly { readonly hop: WantedHop; readonly as: RouteHop }[];
  /** The same in the kernel's form. */
  readonly usable: readonly RouteHop[];
  /** Why the route must do without the others. */
  readonly without: readonly string[];
}

/** Looks at each interface and each gateway once, because many routes share them. */
export class UsableHops {
  readonly #socket: NetlinkSocket;
  readonly #signal: AbortSignal;
  readonly #links = new Map<string | number, Link | null>();
  readonly #own = new Map<string, boolean>();

  constructor(socket: NetlinkSocket, signal: AbortSignal) {
    this.#socket = socket;
    this.#signal = signal;
  }

  /** Throws NetlinkError. */
  async tried(wanted: WantedRoute): Promise<TriedRoute> {
    const hops: TriedRoute['hops'][number][] = [];
    const without: string[] = [];
    for (const hop of wanted.hops) {
      const link = hop.dev === null ? null : await this.#link(hop.dev);
      const { gateway, weight, onlink, dev } = hop;
      if (dev !== null && link === null) without.push(`${describeHop(hop)}: there is no interface ${dev} now`);
      else if (link?.up === false) without.push(`${describeHop(hop)}: the interface ${dev} is down`);
      // The kernel takes such a gateway, and the packets come back to this host.
      else if (gateway !== null && !isLinkLocal(gateway) && (await this.isOwn(familyOf(gateway), gateway)))
        without.push(`${describeHop(hop)}: ${gateway} is an address of this host itself`);
      else hops.push({ hop, as: { gateway, index: link?.index ?? 0, weight, onlink } });
    }
    if (wanted.nexthopId !== null) {
      const there = await hasNexthop(this.#socket, wanted.nexthopId, this.#signal);
      const why = there === false ? 'there is none now' : `the kernel says ${there}`;
      if (there !== true) without.push(`nexthop object ${wanted.nexthopId}: ${why}`);
    }
    return { wanted, hops, usable: hops.map(({ as }) => as), without };
  }

  /** Whether this is an address of the host itself. */
  async isOwn(family: Family, address: IpAddress): Promise<boolean> {
    const known = this.#own.get(address);
    if (known !== undefined) return known;
    const way = await matchedRoute(this.#socket, family, address, {}, this.#signal);
    const own = way?.type === ROUTE_TYPE.local;
    this.#own.set(address, own);
    return own;
  }

  async #link(which: string | number): Promise<Link | null> {
    const known = this.#links.get(which);
    if (known !== undefined) return known;
    const link = await findLink(this.#socket, which, this.#signal);
    this.#links.set(which, link);
    return link;
  }

  /** The name of the interface with this index, or the index itself; null for 0. */
  async nameOf(index: number): Promise<string | null> {
    return index === 0 ? null : ((await this.#link(index))?.name ?? String(index));
  }
}
