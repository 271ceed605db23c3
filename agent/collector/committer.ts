/** Groups what many requests brought into one commit: a request is answered when what it brought is on disk. */
import type { Fleet } from './fleet.ts';

/** Milliseconds that a request waits for others to share its commit: more where commits are slow, so that they leave time for requests. */
const WAIT = { least: 10, most: 100, commits: 3 } as const;

/** The disk does not take it now. The sender is told to try again; what it sent is not lost here either. */
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

  /** `told` of each commit: null where the disk took it. */
  constructor(fleet: Fleet, told: (error: Error | null) => void) {
    this.#fleet = fleet;
    this.#told = told;
  }

  /** The disk took nothing the last time. Until it does, nothing more should be taken in: it would have to be kept in memory. */
  get failing(): boolean {
    return this.#failing;
  }

  /** Resolves when all that the fleet has taken so far is on disk. Rejects with NotStored. */
  committed(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#timer ??= setTimeout(
        () => this.flush(),
        Math.min(WAIT.most, Math.max(WAIT.least, WAIT.commits * this.#took)),
      );
    });
  }

  /** Commits now; where nothing waits, it sees that it could. */
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
