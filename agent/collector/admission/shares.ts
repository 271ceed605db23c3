/** Shares a scarce resource: small needs are met in full, and large needs get equal parts (max-min fairness). */

/** The limit for each need, so that all together have `total`; infinite if `total` is enough for all. */
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

/** The amount that each sender has. */
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

  /** The given number of senders with the most, the largest first. */
  ranked(count: number): string[] {
    const all = [...this.#of].toSorted(([, a], [, b]) => b - a);
    return all.slice(0, count).map(([sender]) => sender);
  }
}
