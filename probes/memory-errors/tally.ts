/** Memory errors of one kind of source: counted by cause and source, and told one by one as far as that is bearable. */
import { type Occurrence, type Sample, sample } from '../probe.ts';
import { CAUSES, type Cause } from './causes.ts';
import type { MemoryErrorRecord } from './record.ts';

/** Characters of a message that an event carries. */
const LONGEST_TEXT = 300;

/** Events of one cause and source in one reading; the rest is counted, and the last event says how many. */
const MOST_EVENTS = 10;

export class Tally {
  readonly #counts = new Map<string, { cause: Cause; source: string; told: number; untold: number }>();
  readonly #totals: Map<string, number>;
  readonly #mostEvents: number;
  #events: Occurrence[] = [];

  /**
   * @param record where the totals are kept.
   * @param history true: for a look back, which is told whole.
   */
  constructor(record: Pick<MemoryErrorRecord, 'totals'>, { history = false }: { history?: boolean } = {}) {
    this.#totals = record.totals;
    this.#mostEvents = history ? Number.POSITIVE_INFINITY : MOST_EVENTS;
  }

  /** Makes it known that errors of this source would be seen: from now on 0 is true. */
  watch(source: string, causes: readonly Cause[]): void {
    for (const cause of causes) this.#count(cause, source);
  }

  /**
   * @param time milliseconds since the epoch.
   * @param module the memory module that it happened to; null: not known.
   */
  add(cause: Cause, source: string, text: string, time: number, module: string | null = null): void {
    const count = this.#count(cause, source);
    this.#totals.set(key(cause, source), this.#total(cause, source) + 1);
    if (count.told < this.#mostEvents) {
      count.told += 1;
      this.#events.push(event(cause, source, { text: printable(text), ...(module === null ? {} : { module }) }, time));
    } else count.untold += 1;
  }

  /** What came since the last call, and how many there have been of each. */
  take(): (Occurrence | Sample)[] {
    const now = Date.now();
    const more = [...this.#counts.values()].flatMap(({ cause, source, untold }) =>
      untold === 0 ? [] : [event(cause, source, { text: `${untold} more`, count: untold }, now)],
    );
    const samples = [...this.#counts.values()].map(({ cause, source }) =>
      sample('holdfast.memory_errors', this.#total(cause, source), { cause, source }),
    );
    const events = this.#events;
    this.#events = [];
    for (const count of this.#counts.values()) Object.assign(count, { told: 0, untold: 0 });
    return [...events, ...more, ...samples];
  }

  #count(cause: Cause, source: string) {
    const known = this.#counts.get(key(cause, source));
    if (known !== undefined) return known;
    const fresh = { cause, source, told: 0, untold: 0 };
    this.#counts.set(key(cause, source), fresh);
    return fresh;
  }

  #total(cause: Cause, source: string): number {
    return this.#totals.get(key(cause, source)) ?? 0;
  }
}

function key(cause: Cause, source: string): string {
  return `${cause} ${source}`;
}

/** One line of ordinary characters: what a log says may go to a terminal or a page. */
export function printable(text: string): string {
  const line = text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?').trim();
  return line.length > LONGEST_TEXT ? `${line.slice(0, LONGEST_TEXT - 1).replace(/[\uD800-\uDBFF]$/, '')}…` : line;
}

function event(
  cause: Cause,
  source: string,
  details: { text: string; count?: number; module?: string },
  time: number,
): Occurrence {
  const { severity, meaning } = CAUSES[cause];
  return {
    kind: 'event',
    name: 'holdfast.memory_error',
    severity,
    time,
    body: details.module === undefined ? meaning : `${meaning} It is ${details.module}.`,
    attributes: { cause, source, ...details },
  };
}
