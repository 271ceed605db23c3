/**
 * Divides long work into slices, so that heartbeats and other requests need not wait for it. One slice runs in a turn
 * of the event loop, and the work of one sender runs one piece after another.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { Refused } from './body.ts';
import { Shares } from './shares.ts';

/** Milliseconds of one slice. */
const SLICE = 10;
/** Pieces of work of one sender that may wait. */
const MOST_OF_SENDER = 64;

/**
 * Await this now and then: it returns at once while the slice lasts. Throws if no reader waits for the work any more.
 */
export type Pause = () => Promise<void>;

export class Turns {
  readonly #waiting = new Shares();
  /** The end of the last piece of work of each sender with work. */
  readonly #ends = new Map<string, Promise<unknown>>();
  #slices: Promise<unknown> = Promise.resolve();

  /** Throws Refused (503) if too much work of this sender waits. `gone`: no reader waits for the work any more. */
  async take<T>(sender: string, gone: () => boolean, work: (pause: Pause) => Promise<T>): Promise<T> {
    if (this.#waiting.of(sender) >= MOST_OF_SENDER) throw new Refused(503, 'too many long requests at once');
    this.#waiting.add(sender, 1);
    const before = this.#ends.get(sender) ?? Promise.resolve();
    const result = before.then(() => this.#inSlices(gone, work));
    const end = result.then(
      () => {},
      () => {},
    );
    this.#ends.set(sender, end);
    try {
      return await result;
    } finally {
      this.#waiting.add(sender, -1);
      if (this.#ends.get(sender) === end) this.#ends.delete(sender);
    }
  }

  async #inSlices<T>(gone: () => boolean, work: (pause: Pause) => Promise<T>): Promise<T> {
    let began = Number.NEGATIVE_INFINITY;
    const pause = async () => {
      if (performance.now() - began < SLICE) return;
      await this.#next();
      if (gone()) throw new Refused(503, 'nobody waits for the answer');
      began = performance.now();
    };
    await pause();
    return work(pause);
  }

  /** The next turn in which no other slice runs. */
  #next(): Promise<unknown> {
    this.#slices = this.#slices.then(() => turn());
    return this.#slices;
  }
}
