/** For how long BGP's default route has been good, or of no use. */
import type { BgpDefault } from '../egress/defaults.ts';

/** Milliseconds for which it has to stand, answering, before the DHCP server's goes: what flaps takes no route with it. */
const STAND = 30_000;
/** And for which none of its gateways has to answer before that one goes ahead: one lost answer is no proof. */
const DEAD = 3_000;

export class BgpStanding {
  #stoodSince: number | null = null;
  #deadSince: number | null = null;

  /** To be called with each look; null: there is none. `now`: of performance.now(). */
  see(bgp: BgpDefault | null, now: number): void {
    if (bgp === null || bgp.problem !== null) this.#stoodSince = null;
    else this.#stoodSince ??= now;
    if (bgp === null || !bgp.silent) this.#deadSince = null;
    else this.#deadSince ??= now;
  }

  /** Whether at least one of its gateways has answered all the time. */
  stands(now: number): boolean {
    return this.#stoodSince !== null && now - this.#stoodSince >= STAND;
  }

  /** Whether it is there, and none of its gateways has answered for a while. */
  isDead(now: number): boolean {
    return this.#deadSince !== null && now - this.#deadSince >= DEAD;
  }
}
