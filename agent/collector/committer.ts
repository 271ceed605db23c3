/** Groups what many requests brought into one commit: a request is answered when what it brought is on disk. */
import type { Fleet } from './fleet.ts';

/** Milliseconds that a request waits for others to share its commit. */
const WAIT = 10;

/** The disk does not take it now. The sender is told to try again; what it sent is not lost here either. */
export class NotStored extends Error {
  override readonly name = 'NotStored';
}

export class Committer {
  readonly #fleet: Fleet;
  readonly #failed: (error: Error) => void;
  #waiters: { resolve: () => void; reject: (error: Error) => void }[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(fleet: Fleet, failed: (error: Error) => void) {
    this.#fleet = fleet;
    this.#failed = failed;
  }

  /** Resolves when all that the fleet has taken so far is on disk. Rejects with NotStored. */
  committed(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#timer ??= setTimeout(() => this.flush(), WAIT);
    });
  }

  /** Commits now. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const waiters = this.#waiters;
    this.#waiters = [];
    try {
      if (this.#fleet.waiting) this.#fleet.commit();
      for (const { resolve } of waiters) resolve();
    } catch (error) {
      this.#failed(error as Error);
      const refusal = new NotStored((error as Error).message);
      for (const { reject } of waiters) reject(refusal);
    }
  }
}
