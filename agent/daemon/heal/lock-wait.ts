/** How long a keeper waits for the lock that another apply has. */

/** Milliseconds until the lock of another apply is tried again: the first wait and the longest. */
const RETRY = { first: 200, longest: 2000 } as const;
/**
 * Milliseconds for which a lock counts as that of a running apply, whose changes are no drift. An apply that proves DNS
 * with silent name servers takes some 20 s.
 */
const APPLY = 30_000;

export class LockWait {
  #retry: number = RETRY.first;
  /** When the apply that has the lock was first met. */
  #since = Number.NEGATIVE_INFINITY;
  /** The lock is not tried before this time, because another apply has it. */
  #until = Number.NEGATIVE_INFINITY;

  /** Another apply has the lock: plans the next try. */
  note(): void {
    const now = performance.now();
    // The last try was long ago, so this is a later apply.
    if (now - this.#until > 2 * RETRY.longest) {
      this.#since = now;
      this.#retry = RETRY.first;
    }
    this.#until = now + this.#retry;
    this.#retry = Math.min(2 * this.#retry, RETRY.longest);
  }

  /** Milliseconds until the next try; not above 0 if the lock may be tried now. */
  left(now = performance.now()): number {
    return this.#until - now;
  }

  /** Whether the lock still counts as that of a running apply. */
  isOfApply(): boolean {
    return performance.now() - this.#since < APPLY;
  }
}
