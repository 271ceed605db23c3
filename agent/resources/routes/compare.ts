/**
 * One look at the kernel's routes: whether each wanted route exists, which other route has its place, and whether it
 * could be made.
 */
import type { IpAddress } from '../../address/accepted.ts';
import { familyOf } from '../../address/address.ts';
import { ROUTE_TYPE, type Route, type RouteHop } from '../../host/netlink/routes/route.ts';
import { keyText, type RouteKey, sameKey } from '../../host/netlink/routes/route-key.ts';
import { matchedRoute } from '../../host/netlink/routes/route-lookup.ts';
import { holdsAny, holdsExactly, listRoutes, type RouteHeld } from '../../host/netlink/routes/route-table.ts';
import type { SeenRoute } from '../../host/netlink/routes/seen-route.ts';
import type { NetlinkSocket } from '../../host/netlink/socket.ts';
import { HOLDFAST, protocolName } from '../../host/netlink/table-names.ts';
import {
  addressesOf,
  describeHop,
  describeRoute,
  type WantedHop,
  type WantedRoute,
} from '../../metadata/wanted-routes.ts';
import { sameRoute } from './same-route.ts';
import { isLinkLocal, type TriedRoute, UsableHops } from './usable-hops.ts';

/** Problems that end by themselves when an interface, an address or a network appears. */
const PASSING: readonly string[] = ['ENETDOWN', 'ENETUNREACH', 'EHOSTUNREACH', 'ENODEV', 'EADDRNOTAVAIL'];

/** The state of one wanted route. */
export interface RouteStanding {
  /**
   * `waiting`: cannot be made now. `part`: made with the next hops that are possible. `foreign`: another program's
   * route has its place.
   */
  readonly is: 'right' | 'part' | 'waiting' | 'absent' | 'changed' | 'foreign' | 'refused';
  /** The route that can be made now. */
  readonly route: Route | null;
  /** The present route of the same key; null if there is none. */
  readonly there: SeenRoute | null;
  /** The reason, or a note to the operator. */
  readonly reason: string | null;
}

/** Whether the kernel's refusal of a route will end by itself. */
export function isPassing(errno: string, { src }: Pick<Route, 'src'>): boolean {
  // For an address that the host does not have yet, the kernel says EINVAL.
  return PASSING.includes(errno) || (errno === 'EINVAL' && src !== null);
}

/** IPv4 look-ups need CAP_NET_ADMIN. Without it we fall back to a dump, which lists every route. */
export class RouteLook {
  readonly #socket: NetlinkSocket;
  readonly #signal: AbortSignal;
  /** The keys of all wanted routes, so that one dump serves them all. */
  readonly #keys: readonly RouteKey[];
  readonly #usable: UsableHops;
  /** Whether gateways are on a link. */
  readonly #direct = new Map<string, boolean>();
  readonly #lists = new Map<string, Promise<ReadonlyMap<string, SeenRoute>>>();

  constructor(socket: NetlinkSocket, keys: readonly RouteKey[], signal: AbortSignal) {
    this.#socket = socket;
    this.#keys = keys;
    this.#signal = signal;
    this.#usable = new UsableHops(socket, signal);
  }

  /** The state of each route, in their order. The kernel is asked about all of them together. Throws NetlinkError. */
  async standings(routes: readonly WantedRoute[]): Promise<RouteStanding[]> {
    const tries: TriedRoute[] = [];
    for (const wanted of routes) tries.push(await this.#usable.tried(wanted));
    const held = await this.#held(
      tries.map(({ wanted, usable, without }) => {
        return usable.length === 0 && without.length > 0 ? null : { wanted, hops: usable };
      }),
    );
    const absent = tries.filter((_, i) => held[i] === 'no');
    const any = await holdsAny(
      this.#socket,
      absent.map(({ wanted }) => wanted),
      this.#signal,
    );
    const taken = new Map(absent.map((tried, nth) => [tried, any[nth]!]));
    const found: RouteStanding[] = [];
    for (const [i, tried] of tries.entries()) found.push(await this.#standing(tried, held[i]!, taken.get(tried)));
    return found;
  }

  /** `asked`: the kernel's answer for the route with all usable next hops; `taken`: for its key, if that was asked. */
  async #standing(tried: TriedRoute, asked: RouteHeld | null, taken?: RouteHeld): Promise<RouteStanding> {
    const { wanted, usable } = tried;
    const { hops, without, held } = await this.#possible(tried, asked);
    const waits = { is: 'waiting', route: null, there: null } as const;
    if (wanted.src !== null && held !== 'yes' && !(await this.#usable.isOwn(wanted.family, wanted.src))) {
      return { ...waits, reason: `${wanted.src} is no address of this host now` };
    }
    if (hops.length === 0 && without.length > 0) {
      return (await this.#standsByItself(wanted, usable)) ?? { ...waits, reason: without.join('; ') };
    }
    const route: Route = { ...wanted, hops, protocol: HOLDFAST };
    const reason = without.length === 0 ? null : `made without these next hops for now: ${without.join('; ')}`;
    const right = reason === null ? 'right' : 'part';
    if (held === 'yes') return { is: right, route, there: null, reason };
    if (held !== 'no' && held !== null) {
      return { is: 'refused', route, there: null, reason: await this.#whyRefused(wanted, held) };
    }
    const there = await this.find(route, taken);
    if (there === null) return { is: 'absent', route, there, reason };
    const same = sameRoute(route, there);
    if (there.protocol === HOLDFAST) return { is: same ? right : 'changed', route, there, reason };
    const whose = `the present route is of ${protocolName(there.protocol)}`;
    if (same && !wanted.takeOver)
      return { is: 'right', route, there, reason: `${whose}, and equal to the wanted one, so it stays` };
    return {
      is: wanted.takeOver ? 'changed' : 'foreign',
      route,
      there,
      reason: `${whose}: ${await this.describe(there)}`,
    };
  }

  /**
   * A route that took the place of the connected network: no other route leads to its gateway any longer, so the kernel
   * would not take the route anew. null if there is no such route.
   */
  async #standsByItself(wanted: WantedRoute, hops: readonly RouteHop[]): Promise<RouteStanding | null> {
    const route: Route = { ...wanted, hops, protocol: HOLDFAST };
    for (const { gateway } of hops) {
      const there =
        gateway === null ? null : await matchedRoute(this.#socket, wanted.family, gateway, {}, this.#signal);
      if (there?.protocol === HOLDFAST && sameKey(there, wanted) && sameRoute(route, there))
        return { is: 'right', route, there, reason: null };
    }
    return null;
  }

  /** The kernel most often refuses a broadcast address as a gateway, and its answer does not name the gateway. */
  async #whyRefused({ family, hops }: WantedRoute, errno: string): Promise<string> {
    for (const { gateway } of hops) {
      const met = gateway === null ? null : await matchedRoute(this.#socket, family, gateway, {}, this.#signal);
      if (met?.type === ROUTE_TYPE.broadcast)
        return `the kernel refuses it (${errno}): ${gateway} is the address of a whole network of this host (broadcast); write the gateway's own`;
    }
    return `the kernel refuses it (${errno})`;
  }

  /**
   * The route of this key, made by any program; null if there is none. `taken`: the kernel's answer for the key, if it was
   * asked before. Throws NetlinkError.
   */
  async find(key: RouteKey, taken?: RouteHeld): Promise<SeenRoute | null> {
    if (key.family === 'ipv4') {
      const [any] = taken === undefined ? await holdsAny(this.#socket, [key], this.#signal) : [taken];
      if (any === 'no') return null;
    }
    for (const address of new Set(addressesOf(key.destination))) {
      const met = await matchedRoute(this.#socket, key.family, address, {}, this.#signal);
      if (met !== null && sameKey(met, key)) return met;
    }
    // The route is in another table, a better route covers it, its gateway does not answer, or it does not exist.
    return (await this.#list(key)).get(keyText(key)) ?? null;
  }

  /** The present route, for people; null if there is none. */
  async actual({ is, route, there }: RouteStanding): Promise<string | null> {
    if (there !== null) return this.describe(there);
    return route !== null && (is === 'right' || is === 'part') ? this.describe(route) : null;
  }

  async describe(route: Route): Promise<string> {
    const hops: WantedHop[] = [];
    for (const { index, ...hop } of route.hops) hops.push({ ...hop, dev: await this.#usable.nameOf(index) });
    return describeRoute({ ...route, hops });
  }

  /**
   * The next hops that the kernel would take now, and why it would refuse the rest. `held`: the kernel's answer for the
   * route with them (see holdsExactly); null if the kernel cannot be asked.
   */
  async #possible(
    tried: TriedRoute,
    held: RouteHeld | null,
  ): Promise<{
    readonly hops: readonly RouteHop[];
    readonly without: readonly string[];
    readonly held: RouteHeld | null;
  }> {
    const { wanted, usable } = tried;
    const without = [...tried.without];
    if (usable.length === 0 && without.length > 0) return { hops: [], without, held: null };
    if (held !== null && !PASSING.includes(held)) return { hops: usable, without, held };
    const reachable: RouteHop[] = [];
    for (const { hop, as } of tried.hops) {
      const problem = await this.#problemOf(wanted, hop, as);
      if (problem === null) reachable.push(as);
      else without.push(`${describeHop(hop)}: ${problem}`);
    }
    if (reachable.length === usable.length || reachable.length === 0) return { hops: reachable, without, held };
    const [now] = await this.#held([{ wanted, hops: reachable }]);
    return { hops: reachable, without, held: now! };
  }

  /** The kernel's answer for each route with these next hops; null if the kernel is not to be asked, or cannot be. */
  async #held(
    asked: readonly ({ readonly wanted: WantedRoute; readonly hops: readonly RouteHop[] } | null)[],
  ): Promise<(RouteHeld | null)[]> {
    const questions = asked.map((one) => {
      if (one === null || one.wanted.family !== 'ipv4') return null;
      return { ...one.wanted, family: one.wanted.family, hops: one.hops, protocol: HOLDFAST };
    });
    const answers = await holdsExactly(
      this.#socket,
      questions.filter((route) => route !== null),
      this.#signal,
    );
    const next = answers.values();
    return questions.map((route) => {
      const held = route === null ? null : next.next().value!;
      return held === 'EPERM' ? null : held;
    });
  }

  /** Why the kernel would refuse this next hop now; null if it would take it. */
  async #problemOf(wanted: WantedRoute, hop: WantedHop, as: RouteHop): Promise<string | null> {
    const { gateway, dev, onlink } = hop;
    if (gateway === null) return null;
    const cure = dev === null || onlink ? '' : '; if it can be reached there all the same, write onlink: true';
    const problem = `${gateway} is in no network ${dev === null ? 'of this host' : `on ${dev}`} now${cure}`;
    const [held = null] = await this.#held([{ wanted, hops: [as] }]);
    if (held !== null) return PASSING.includes(held) ? problem : null;
    if (onlink || isLinkLocal(gateway)) return null;
    return (await this.#isDirect(familyOf(gateway), gateway, as.index)) ? null : problem;
  }

  /** Asks about each gateway only once, because many routes share a gateway. */
  async #isDirect(family: Route['family'], gateway: IpAddress, index: number): Promise<boolean> {
    const hop = `${gateway} ${index}`;
    const known = this.#direct.get(hop);
    if (known !== undefined) return known;
    const route = await matchedRoute(this.#socket, family, gateway, { index }, this.#signal);
    const direct = route?.type === ROUTE_TYPE.unicast && route.hops[0]?.gateway === null;
    this.#direct.set(hop, direct);
    return direct;
  }

  /** Routes by the text of their keys. IPv6 may have several of one key; the first counts. */
  #list({ family }: RouteKey): Promise<ReadonlyMap<string, SeenRoute>> {
    const list = this.#lists.get(family) ?? this.#listed(family);
    this.#lists.set(family, list);
    return list;
  }

  async #listed(family: RouteKey['family']): Promise<ReadonlyMap<string, SeenRoute>> {
    const keys = this.#keys.filter((key) => key.family === family);
    const found = await listRoutes(this.#socket, family, { keys }, this.#signal);
    return new Map(found.toReversed().map((route) => [keyText(route), route]));
  }
}
