/**
 * Limits how often one setting is written. If another program changes the setting again and again, neither side wins.
 * After so many heals within a minute, one heal is tried every 20 s until a heal has lasted for a minute. The wait
 * never grows, so the host is right soon after the other program has stopped.
 */
const WINDOW = 60_000;
const HEALS = 10;
/** Milliseconds between two heals of a setting that is fought over. */
export const PAUSE = 20_000;
/**
 * Milliseconds until a failed heal is tried again: each try may ask name servers or start programs. The wait never
 * grows. The setting is therefore right within 30 s after the cause ends, even if the last try waited 10 s for answers.
 */
export const RETRY = 15_000;
/** Milliseconds between two reports of the same fight. */
const TOLD_EVERY = 600_000;

/** Every `now` is in milliseconds, of a clock that only goes forward. */
export class HealLimit {
  /** Times of the heals within the window. */
  readonly #heals: number[] = [];
  #fights = false;
  #told = Number.NEGATIVE_INFINITY;
  /** When a failed heal may be tried again. */
  #until = Number.NEGATIVE_INFINITY;

  /** Milliseconds until the next heal; 0 means now. */
  wait(now: number): number {
    if (now < this.#until) return this.#until - now;
    if (!this.fights(now) && this.#heals.length >= HEALS) this.#fights = true;
    return this.#fights ? Math.max(0, (this.#heals.at(-1) ?? now) + PAUSE - now) : 0;
  }

  /**
   * Whether another program changes the setting again and again. A fight is over when no heal was needed for a minute.
   */
  fights(now: number): boolean {
    while (this.#heals[0] !== undefined && now - this.#heals[0] >= WINDOW) this.#heals.shift();
    if (this.#heals.length === 0) this.#fights = false;
    return this.#fights;
  }

  /** Whether to emit the fight now: when it begins, and every ten minutes while it lasts. */
  tells(now: number): boolean {
    if (!this.fights(now) || now - this.#told < TOLD_EVERY) return false;
    this.#told = now;
    return true;
  }

  /** Counts a heal, whether or not it succeeded. */
  note(now: number): void {
    this.#heals.push(now);
  }

  /** Makes the next heal wait, after a failed one. */
  fail(now: number): void {
    this.#until = now + RETRY;
  }

  /**
   * Ends the wait after a failure: the setting is as wanted again, or a new try was requested. This does not end a
   * fight.
   */
  forgiveFailure(): void {
    this.#until = Number.NEGATIVE_INFINITY;
  }

  /** Whether nothing needs to be remembered. */
  idle(now: number): boolean {
    return !this.fights(now) && this.#heals.length === 0 && now >= this.#until;
  }
}
