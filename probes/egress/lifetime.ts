/** How long a default route lasts that a router advertised (RFC 4861), and whether that router still advertises itself. */
import { type DefaultRouteView, gatewayName } from '../../agent/egress/look.ts';
import type { Condition } from '../probe.ts';

/** Seconds by which two looks may differ although no advertisement came in between. */
const TOLERANCE = 2;
/** A router advertises itself three times in a lifetime by default, so less than this share means that it is silent. */
const LOW = 1 / 4;

export class Lifetime {
  #last: { router: string; expires: number; at: number } | null = null;
  /** Seconds that were left after the last advertisement. */
  #whole = 0;
  /** ISO 8601; null while enough of the lifetime is left. */
  #ends: string | null = null;

  /** Takes the route of each look, and returns whether `conditions` changed. `now` is performance.now(). */
  see(egress: DefaultRouteView | null, now: number): boolean {
    const before = this.#ends;
    this.#take(egress, now);
    return before !== this.#ends;
  }

  #take(egress: DefaultRouteView | null, now: number): void {
    const { expires = null, gateways = [] } = egress ?? {};
    const last = this.#last;
    if (expires === null) {
      this.#last = null;
      this.#ends = null;
      return;
    }
    const router = gateways.map(gatewayName).join(', ');
    const awaited = last?.router === router ? last.expires - (now - last.at) / 1000 : null;
    // A jump in either direction is a new advertisement: a router may also shorten its lifetime.
    if (awaited === null || Math.abs(awaited - expires) > TOLERANCE) this.#whole = expires;
    this.#last = { router, expires, at: now };
    const isLow = expires < this.#whole * LOW;
    this.#ends = isLow ? (this.#ends ?? new Date(Date.now() + expires * 1000).toISOString()) : null;
  }

  /** The condition for a router that has stopped to advertise itself. */
  get conditions(): Condition[] {
    if (this.#last === null || this.#ends === null) return [];
    const { router } = this.#last;
    const body =
      `the IPv6 default route by ${router} goes at ${this.#ends} unless its router advertises itself again: ` +
      `three quarters of its lifetime have passed without an advertisement`;
    const attributes = { 'network.type': 'ipv6', gateways: router };
    return [{ kind: 'condition', code: 'egress-expiring', severity: 'warn', body, attributes }];
  }
}
