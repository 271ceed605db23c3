/** The collector's own clock: notes that it was set while the collector ran, and how much of the past may be forgotten now. */

import type { Host } from './host.ts';
import { CLOCK_TOLERANCE } from './pulse.ts';
import { duration } from './words.ts';

/** Milliseconds between the wall's clock and the one that nobody sets, beyond which the first was set. */
const STEP = 5_000;
/** How much faster than time goes by the past may be forgotten while the clock is doubted: then an error of an hour does not cost all history. */
const PACE = 10;
/** Milliseconds that a collector may have been off without its clock being doubted. */
const OFF = 90 * 86_400_000;

/** What the clocks of hosts say to ours. */
export interface Votes {
  /** Hosts whose clocks say what ours says, or each something else. */
  readonly agree: number;
  /** Hosts whose clocks are ahead of ours by about so many milliseconds (behind: less than 0), all alike. */
  readonly differ: number;
  readonly ahead: number;
}

export class Clock {
  #wall: number;
  #steady: number;
  /** Up to when we believe that it is, for what is deleted. */
  #believed: number;

  /**
   * Both in milliseconds: `wall` since the epoch, `steady` of a clock that nobody sets. `newest`: when something was stored last,
   * by the wall's clock; null: nothing is.
   */
  constructor(wall: number, steady: number, newest: number | null) {
    this.#wall = wall;
    this.#steady = steady;
    this.#believed = newest === null || wall - newest < OFF ? wall : newest;
  }

  /** By how many milliseconds the wall's clock was set since the last look; 0: it was not. */
  look(wall: number, steady: number): number {
    const gone = steady - this.#steady;
    const set = wall - this.#wall - gone;
    this.#wall = wall;
    this.#steady = steady;
    this.#believed = Math.min(wall, this.#believed + PACE * gone);
    return Math.abs(set) > STEP ? set : 0;
  }

  /** Hears what the clocks of hosts say. Gives a sentence where ours is the one that is wrong; null: it is not, as far as is known. */
  hear({ agree, differ, ahead }: Votes): string | null {
    if (agree > differ) this.#believed = this.#wall;
    if (differ < 2 || differ <= agree) return null;
    const how = `${duration(ahead)} ${ahead > 0 ? 'behind' : 'ahead of'}`;
    return `This collector's clock is ${how} those of most hosts: set it (timedatectl)`;
  }

  /** A time from which ages may be counted, to forget what is old. */
  get believed(): number {
    return this.#believed;
  }
}

/** What the clocks of hosts that were heard lately say. */
export function votesOf(hosts: Iterable<Host>, now: number): Votes {
  const all = [...hosts].flatMap(({ pulse }) => pulse.ahead(now) ?? []);
  const others = all.filter((ahead) => Math.abs(ahead) > CLOCK_TOLERANCE).sort((a, b) => a - b);
  const ahead = others[others.length >> 1] ?? 0;
  // Clocks that are wrong each in its own way say nothing of ours.
  const alike = others.filter((one) => Math.abs(one - ahead) <= CLOCK_TOLERANCE);
  return { agree: all.length - alike.length, differ: alike.length, ahead };
}

/** When something was heard last, by our clock; null: nothing was. */
export function newestOf(hosts: Iterable<Host>): number | null {
  let newest: number | null = null;
  for (const { seen } of hosts) newest = Math.max(newest ?? seen, seen);
  return newest;
}
