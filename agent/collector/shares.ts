/** How what is scarce is shared: who needs little has it, and those who need much have equally much (max-min fairness). */

/** The most that each may have, so that all together have `total`; infinite where that is enough for all. */
export function waterLevel(needs: readonly number[], total: number): number {
  let left = total;
  const sorted = needs.toSorted((a, b) => a - b);
  for (const [index, need] of sorted.entries()) {
    const share = left / (sorted.length - index);
    if (need > share) return share;
    left -= need;
  }
  return Number.POSITIVE_INFINITY;
}

/** How much of something each sender has. */
export class Shares {
  total = 0;
  readonly #of = new Map<string, number>();

  of(sender: string): number {
    return this.#of.get(sender) ?? 0;
  }

  /** `amount` may be negative. */
  add(sender: string, amount: number): void {
    if (amount === 0) return;
    const now = this.of(sender) + amount;
    if (now > 0) this.#of.set(sender, now);
    else this.#of.delete(sender);
    this.total += amount;
  }

  /** The senders that have the most, so many of them, the largest first. */
  ranked(count: number): string[] {
    const all = [...this.#of].toSorted(([, a], [, b]) => b - a);
    return all.slice(0, count).map(([sender]) => sender);
  }
}
