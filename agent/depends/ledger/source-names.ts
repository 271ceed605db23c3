/** The names of those whose packets this host forwards: its own containers and network namespaces. */
import ipaddr from 'ipaddr.js';
import type { Host } from '../../host/host.ts';
import { containerOrUnitOf } from '../../host/process/container-names.ts';
import { processesByAddress } from '../../host/process/network-addresses.ts';
import { commOf, nullIfGone } from '../../host/process/proc.ts';

/** Milliseconds between looks at all processes for an address that no namespace had. */
const LOOK_EVERY = 600_000;
const MOST_NAMES = 4_096;

export class SourceNames {
  readonly #host: Host;
  readonly #names = new Map<string, string>();
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(host: Host) {
    this.#host = host;
  }

  /**
   * `container web of Docker` or `nginx[812]`, the container, unit or first process of the namespace that has the address; null if no
   * namespace of this machine has it. An address keeps the name that it had first: its container may be gone.
   */
  nameOf(address: string): string | null {
    if (!this.#names.has(address) && performance.now() - this.#lookedAt >= LOOK_EVERY && this.#host.live) this.#look();
    return this.#names.get(address) ?? null;
  }

  #look(): void {
    this.#lookedAt = performance.now();
    for (const [address, pid] of processesByAddress()) {
      if (this.#names.size >= MOST_NAMES) return;
      const text = ipaddr.parse(address).toString();
      const name =
        this.#names.get(text) ?? nullIfGone(() => containerOrUnitOf(this.#host, pid) ?? `${commOf(pid)}[${pid}]`);
      if (name !== null) this.#names.set(text, name);
    }
  }
}
