/** The collector's own clock: notices when it is set, and limits how much history may then be deleted. */
import { durationInWords } from '../words.ts';
import type { HostState } from './host-state.ts';
import { CLOCK_TOLERANCE } from './pulse.ts';

/**
 * A larger difference in milliseconds between the wall clock and the steady clock means that the wall clock was set.
 */
const STEP = 5_000;
/**
 * While the clock is doubted, history is deleted at most this much faster than time goes by, so an hour's error costs
 * little.
 */
const PACE = 10;
/** Milliseconds for which a collector may have been off before its clock is doubted. */
const OFF = 90 * 86_400_000;

/** How the hosts' clocks compare with ours. */
export interface Votes {
  /** Hosts whose clocks agree with ours, or differ each in its own way. */
  readonly agree: number;
  /** Hosts whose clocks differ from ours by about the same milliseconds (ahead of ours: more than 0). */
  readonly differ: number;
  readonly ahead: number;
}

export class Clock {
  #wall: number;
  #steady: number;
  /** The time that we trust when deleting history. */
  #believed: number;

  /**
   * Both are in milliseconds: `wall` since the epoch, `steady` of a clock that nobody can set. `newest` is the wall
   * time of the last stored row; null if nothing is stored.
   */
  constructor(wall: number, steady: number, newest: number | null) {
    this.#wall = wall;
    this.#steady = steady;
    this.#believed = newest === null || wall - newest < OFF ? wall : newest;
  }

  /** Returns by how many milliseconds the wall clock was set since the last look; 0 if it was not. */
  look(wall: number, steady: number): number {
    const gone = steady - this.#steady;
    const set = wall - this.#wall - gone;
    this.#wall = wall;
    this.#steady = steady;
    this.#believed = Math.min(wall, this.#believed + PACE * gone);
    return Math.abs(set) > STEP ? set : 0;
  }

  /** Takes the hosts' clocks. Returns a sentence if our own clock is wrong; null if it seems right. */
  hear({ agree, differ, ahead }: Votes): string | null {
    if (agree > differ) this.#believed = this.#wall;
    if (differ < 2 || differ <= agree) return null;
    const how = `${durationInWords(ahead)} ${ahead > 0 ? 'behind' : 'ahead of'}`;
    return `This collector's clock is ${how} those of most hosts: set it (timedatectl)`;
  }

  /** The time from which ages are counted when old rows are deleted. */
  get believed(): number {
    return this.#believed;
  }
}

/** Compares the clocks of hosts that were heard lately. */
export function votesOf(hosts: Iterable<HostState>, now: number): Votes {
  const all = [...hosts].flatMap(({ pulse }) => pulse.ahead(now) ?? []);
  const others = all.filter((ahead) => Math.abs(ahead) > CLOCK_TOLERANCE).sort((a, b) => a - b);
  const ahead = others[others.length >> 1] ?? 0;
  // Clocks that are each wrong in their own way prove nothing about ours.
  const alike = others.filter((one) => Math.abs(one - ahead) <= CLOCK_TOLERANCE);
  return { agree: all.length - alike.length, differ: alike.length, ahead };
}

/** When a host was last heard, by our clock; null if none was. */
export function newestOf(hosts: Iterable<HostState>): number | null {
  let newest: number | null = null;
  for (const { seen } of hosts) newest = Math.max(newest ?? seen, seen);
  return newest;
}
