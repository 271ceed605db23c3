/**
 * How often one resource may be healed. Where somebody changes it again and again, healing is a fight that neither side
 * wins: after so many heals in a minute it waits, each time twice as long.
 */
const WINDOW = 60_000;
const HEALS = 10;
const FIRST_WAIT = 30_000;
const LONGEST_WAIT = 600_000;

export class HealLimit {
  readonly #heals: number[] = [];
  #wait = 0;
  #until = Number.NEGATIVE_INFINITY;
  /** Whether it waits because a heal failed, and not because somebody changes it again and again. */
  #failed = false;

  /**
   * Milliseconds to wait until the next heal; 0: now. `now` is of a clock that only goes forward, in milliseconds. After
   * a wait one heal is tried; whether it lasts for a minute decides whether all is forgotten or the next wait is longer.
   */
  wait(now: number): number {
    if (now < this.#until) return this.#until - now;
    while (this.#heals.length > 0 && now - (this.#heals[0] as number) >= WINDOW) this.#heals.shift();
    if (this.#wait > 0 && this.#heals.length === 0 && now - this.#until >= WINDOW) this.#wait = 0;
    if (this.#heals.length < (this.#wait === 0 ? HEALS : 1)) return 0;
    return this.#backOff(now);
  }

  /** To be called when a heal failed: the next one has to wait, so many milliseconds. */
  fail(now: number): number {
    this.#failed = true;
    return this.#backOff(now);
  }

  /**
   * To be called when all is as wanted again, or somebody wants it to be tried: a wait for a heal that failed is over, a fight
   * is not. Gives whether there was such a wait.
   */
  forgiveFailure(): boolean {
    if (!this.#failed) return false;
    this.#failed = false;
    this.#wait = 0;
    this.#until = Number.NEGATIVE_INFINITY;
    return true;
  }

  /** To be called with each heal, whether or not it succeeded. */
  note(now: number): void {
    this.#heals.push(now);
  }

  #backOff(now: number): number {
    this.#wait = this.#wait === 0 ? FIRST_WAIT : Math.min(this.#wait * 2, LONGEST_WAIT);
    this.#until = now + this.#wait;
    this.#heals.length = 0;
    return this.#wait;
  }
}
