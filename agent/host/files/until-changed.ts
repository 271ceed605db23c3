/** A cache of results made from files and folders. An entry is made anew only if stat(2) shows a change. */
import type { Stats } from 'node:fs';
import type { Host } from '../host.ts';

/** Milliseconds. The kernel's time stamps advance in steps, and within one step a file can change again unseen. */
const YOUNG = 1000;

export class Unchanged<T> {
  readonly #host: Host;
  readonly #make: (path: string, stats: Stats) => T;
  readonly #kept = new Map<string, { readonly identity: string; readonly value: T }>();

  constructor(host: Host, make: (path: string, stats: Stats) => T) {
    this.#host = host;
    this.#make = make;
  }

  /** Follows links; null if there is no such file. Throws HostError, and what `make` throws. */
  of(path: string): T | null {
    const stats = this.#host.stat(path);
    const identity = stats === null ? '' : identityOf(stats);
    const kept = this.#kept.get(path);
    if (kept !== undefined && kept.identity === identity) return kept.value;
    this.#kept.delete(path);
    if (stats === null) return null;
    const value = this.#make(path, stats);
    if (Date.now() - stats.ctimeMs > YOUNG) this.#kept.set(path, { identity, value });
    return value;
  }
}

/** Uses the change time, because unlike the modification time no program can set it back. */
function identityOf({ dev, ino, size, ctimeMs }: Stats): string {
  return `${dev} ${ino} ${size} ${ctimeMs}`;
}
