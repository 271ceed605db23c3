/**
 * How long a change of DNS that was put back waits for its next try. Each try costs the host its DNS for some seconds,
 * so the wait doubles. The proof may fail by the fault of another network, so a change of addresses ends the wait.
 */

/** Milliseconds until the second try, and at most between two tries. */
const FIRST = 600_000;
const LONGEST = 3_600_000;
/** Milliseconds that pass in any case, because the addresses of a failing link may change again and again. */
const SHORTEST = 30_000;

/** Every `now` is in milliseconds, of a clock that only goes forward. `addresses`: the host's addresses as a text. */
export class PutBackPause {
  #next = FIRST;
  #begun = Number.NEGATIVE_INFINITY;
  #until = Number.NEGATIVE_INFINITY;
  #addresses = '';

  /** Takes a change that was just put back. Returns the milliseconds until the next try. */
  begin(now: number, addresses: string): number {
    const wait = this.#next;
    this.#begun = now;
    this.#until = now + wait;
    this.#addresses = addresses;
    this.#next = Math.min(2 * wait, LONGEST);
    return wait;
  }

  isOver(now: number, addresses: string): boolean {
    return now >= this.#until || (addresses !== this.#addresses && now - this.#begun >= SHORTEST);
  }
}
