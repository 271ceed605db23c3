/** Joins the data of many requests into one commit. A request is answered after its data is on disk. */
import type { Fleet } from './fleet.ts';

/**
 * Milliseconds that a request waits for others to share its commit; more if commits are slow, to leave time for
 * requests.
 */
const WAIT = { least: 10, most: 100, commits: 3 } as const;

/** The disk does not take the data now. The sender is asked to try again, and the data also waits in the collector. */
export class NotStored extends Error {
  override readonly name = 'NotStored';
}

export class Committer {
  readonly #fleet: Fleet;
  readonly #told: (error: Error | null) => void;
  #waiters: { resolve: () => void; reject: (error: Error) => void }[] = [];
  #timer: NodeJS.Timeout | null = null;
  /** Milliseconds that the last commit took. */
  #took = 0;
  #failing = false;

  /** `told` gets the error of each commit, or null after a success. */
  constructor(fleet: Fleet, told: (error: Error | null) => void) {
    this.#fleet = fleet;
    this.#told = told;
  }

  /**
   * Whether the last commit failed. Until one succeeds, take no more requests, because their data would stay in memory.
   */
  get failing(): boolean {
    return this.#failing;
  }

  /** Resolves when all the fleet's data so far is on disk. Rejects with NotStored. */
  committed(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#timer ??= setTimeout(
        () => this.flush(),
        Math.min(WAIT.most, Math.max(WAIT.least, WAIT.commits * this.#took)),
      );
    });
  }

  /** Commits now. If no data waits, the commit still tests the disk. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const waiters = this.#waiters;
    this.#waiters = [];
    try {
      const began = performance.now();
      this.#fleet.commit();
      this.#took = performance.now() - began;
      this.#failing = false;
      this.#told(null);
      for (const { resolve } of waiters) resolve();
    } catch (error) {
      this.#failing = true;
      this.#told(error as Error);
      const refusal = new NotStored((error as Error).message);
      for (const { reject } of waiters) reject(refusal);
    }
  }
}
