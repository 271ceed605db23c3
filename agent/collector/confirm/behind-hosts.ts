/** Tells when hosts behind a router on trial were heard last. */
import type { BehindHost } from '../../confirm/wire/acknowledgement.ts';
import type { HostState } from '../hosts/host-state.ts';

/** Milliseconds for which the index of names is used again: it costs a look at every host. */
const FRESH = 2_000;

export class BehindHosts {
  readonly #hosts: () => Iterable<HostState>;
  #index = new Map<string, HostState>();
  #made = Number.NEGATIVE_INFINITY;

  constructor(hosts: () => Iterable<HostState>) {
    this.#hosts = hosts;
  }

  /** `names`: names or ids, in any case. */
  look(names: readonly string[], now: number): BehindHost[] {
    if (names.length === 0) return [];
    if (!(Math.abs(now - this.#made) < FRESH)) this.#remake(now);
    return names.map((name) => {
      const host = this.#index.get(name.toLowerCase());
      if (host === undefined || host.pulse.beaten === 0) return { name, age: null, silent: true };
      return { name, age: Math.max(0, now - host.pulse.beaten), silent: host.pulse.silent(0, now) };
    });
  }

  /** If several hosts have one name, the host that was heard last counts. */
  #remake(now: number): void {
    this.#index = new Map();
    this.#made = now;
    for (const host of this.#hosts()) {
      if (host.retired > 0) continue;
      for (const name of new Set([String(host.resource['host.name'] ?? ''), host.key])) {
        const known = this.#index.get(name.toLowerCase());
        if (known === undefined || known.pulse.beaten < host.pulse.beaten) this.#index.set(name.toLowerCase(), host);
      }
    }
  }
}
