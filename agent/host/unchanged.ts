/** What was made of files and folders, for who looks at them again and again: made anew only where stat(2) shows a change. */
import type { Stats } from 'node:fs';
import type { Host } from './host.ts';

/** Milliseconds: the kernel's time stamps stand still for some, and in these a file can change a second time unseen. */
const YOUNG = 1000;

export class Unchanged<T> {
  readonly #host: Host;
  readonly #make: (path: string, stats: Stats) => T;
  readonly #kept = new Map<string, { readonly identity: string; readonly value: T }>();

  constructor(host: Host, make: (path: string, stats: Stats) => T) {
    this.#host = host;
    this.#make = make;
  }

  /** Links followed; null where there is nothing. Throws HostError, and what `make` throws. */
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

/** The time of change is the kernel's own: unlike that of modification nobody can set it back. */
function identityOf({ dev, ino, size, ctimeMs }: Stats): string {
  return `${dev} ${ino} ${size} ${ctimeMs}`;
}
