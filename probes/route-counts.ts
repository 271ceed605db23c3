/** The counts of routes by table and protocol, for several probes, so that one dump of a large table serves all of them. */
import type { Family } from '../agent/address/address.ts';
import { countRoutes, type RouteCount } from '../agent/host/netlink/routes/counts.ts';
import { monotonicNow } from '../agent/host/steady-clock.ts';

/** Milliseconds for which a count may be used again. */
const RECENT = 75_000;
/** Milliseconds. A dump that takes less is cheaper than an old number is misleading: 20 ms are some 60,000 routes. */
const CHEAP = 20;

interface Count {
  readonly counts: RouteCount[];
  /** By `#clock`. */
  readonly at: number;
  readonly duration: number;
}

export class RouteCounts {
  readonly #count: typeof countRoutes;
  readonly #clock: () => number;
  readonly #last = new Map<Family, Count>();

  /** @param clock in milliseconds. */
  constructor(count = countRoutes, clock = monotonicNow) {
    this.#count = count;
    this.#clock = clock;
  }

  /** Counts now. Throws NetlinkError. */
  async fresh(family: Family, signal: AbortSignal): Promise<RouteCount[]> {
    const begin = this.#clock();
    const counts = await this.#count(family, signal);
    const at = this.#clock();
    this.#last.set(family, { counts, at, duration: at - begin });
    return counts;
  }

  /** The last count, if it is recent and another would cost much; else counts now. Throws NetlinkError. */
  async recent(family: Family, signal: AbortSignal): Promise<RouteCount[]> {
    const last = this.#last.get(family);
    if (last === undefined || last.duration < CHEAP || this.#clock() - last.at > RECENT)
      return this.fresh(family, signal);
    return last.counts;
  }
}
