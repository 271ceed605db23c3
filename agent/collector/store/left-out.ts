/** Counts the parts of rows that cannot be read. They are left out, and no other row is lost with them. */
export class LeftOut {
  /** Numbers since the start, by kind. */
  readonly #counts = new Map<string, number>();

  /** The result of `read`. If it throws, the part counts as left out, and the result is null. */
  read<T>(what: string, read: () => T): T | null {
    try {
      return read();
    } catch {
      this.add(what);
      return null;
    }
  }

  add(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  /** A sentence about all that was left out; null if nothing was. */
  sentence(): string | null {
    if (this.#counts.size === 0) return null;
    const parts = [...this.#counts].map(([what, count]) => `${what} (${count} times)`);
    return `Parts of the database cannot be read and are left out: ${parts.join(', ')}`;
  }
}
