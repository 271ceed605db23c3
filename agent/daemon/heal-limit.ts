/**
 * How often one setting may be written. Where another program changes it again and again, neither side wins: after so many
 * heals within a minute one is tried every 20 s, until one has lasted for a minute. That wait never grows: it bounds how
 * often we write, and with it how long the host stays wrong once the other program has stopped.
 */
const WINDOW = 60_000;
const HEALS = 10;
/** Milliseconds between two heals of a setting that is fought over. */
export const PAUSE = 20_000;
/**
 * Milliseconds until a heal that failed is tried again: each try may ask name servers, or start programs. The wait never grows,
 * so that the setting is right within 30 s after the cause of the failure ends, also if the last try still waited 10 s for answers.
 */
export const RETRY = 15_000;
/** Milliseconds between two reports of the same fight. */
const TOLD_EVERY = 600_000;

/** Every `now` is of a clock that only goes forward, in milliseconds. */
export class HealLimit {
  /** Times of the heals within the window. */
  readonly #heals: number[] = [];
  #fights = false;
  #told = Number.NEGATIVE_INFINITY;
  /** When a heal that failed may be tried again. */
  #until = Number.NEGATIVE_INFINITY;

  /** Milliseconds to wait until the next heal; 0: now. */
  wait(now: number): number {
    if (now < this.#until) return this.#until - now;
    if (!this.fights(now) && this.#heals.length >= HEALS) this.#fights = true;
    return this.#fights ? Math.max(0, (this.#heals.at(-1) ?? now) + PAUSE - now) : 0;
  }

  /** Whether another program changes the setting again and again. It has stopped when no heal was needed for a minute. */
  fights(now: number): boolean {
    while (this.#heals[0] !== undefined && now - this.#heals[0] >= WINDOW) this.#heals.shift();
    if (this.#heals.length === 0) this.#fights = false;
    return this.#fights;
  }

  /** Whether the fight is to be told now: when it begins, and every ten minutes while it lasts. */
  tells(now: number): boolean {
    if (!this.fights(now) || now - this.#told < TOLD_EVERY) return false;
    this.#told = now;
    return true;
  }

  /** To be called with each heal, whether or not it succeeded. */
  note(now: number): void {
    this.#heals.push(now);
  }

  /** To be called when a heal failed: the next one waits. */
  fail(now: number): void {
    this.#until = now + RETRY;
  }

  /** To be called when the setting is as wanted again, or somebody wants it to be tried. A fight is not over by that. */
  forgiveFailure(): void {
    this.#until = Number.NEGATIVE_INFINITY;
  }

  /** Whether there is nothing to remember. */
  idle(now: number): boolean {
    return !this.fights(now) && this.#heals.length === 0 && now >= this.#until;
  }
}
