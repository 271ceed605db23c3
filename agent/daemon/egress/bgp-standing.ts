/** Measures for how long BGP's default route has been usable, or unusable. */
import type { BgpDefault } from '../../egress/defaults.ts';

/**
 * Milliseconds for which BGP's route must stand and its gateway answer, so that a flapping route does not remove DHCP's
 * route.
 */
const STAND = 30_000;
/** Milliseconds of silence of all its gateways before DHCP's route goes ahead. One lost answer proves nothing. */
const DEAD = 3_000;

export class BgpStanding {
  #stoodSince: number | null = null;
  #deadSince: number | null = null;

  /** Takes the result of each look; null if BGP has no default route. `now` is performance.now(). */
  see(bgp: BgpDefault | null, now: number): void {
    if (bgp === null || bgp.problem !== null) this.#stoodSince = null;
    else this.#stoodSince ??= now;
    if (bgp === null || !bgp.silent) this.#deadSince = null;
    else this.#deadSince ??= now;
  }

  /** Whether at least one gateway answered at each look, for long enough. */
  stands(now: number): boolean {
    return this.#stoodSince !== null && now - this.#stoodSince >= STAND;
  }

  /** Whether the route exists, but none of its gateways has answered for long enough. */
  isDead(now: number): boolean {
    return this.#deadSince !== null && now - this.#deadSince >= DEAD;
  }
}
