/**
 * Memory errors of one kind of source: counts them by cause and source, and emits a limited number of single events.
 */
import { type Occurrence, type Sample, sample } from '../probe.ts';
import { CAUSES, type Cause } from './causes.ts';
import type { MemoryErrorRecord } from './counts-record.ts';

/** The most characters of a message that an event carries. */
const LONGEST_TEXT = 300;

/** The most events of one cause and source in one reading. The last event has the count of the remaining ones. */
const MOST_EVENTS = 10;

export class ErrorTally {
  readonly #counts = new Map<string, { cause: Cause; source: string; told: number; untold: number }>();
  readonly #totals: Map<string, number>;
  readonly #mostEvents: number;
  #events: Occurrence[] = [];

  /**
   * @param record keeps the totals.
   * @param history true for a look back, which emits every event.
   */
  constructor(record: Pick<MemoryErrorRecord, 'totals'>, { history = false }: { history?: boolean } = {}) {
    this.#totals = record.totals;
    this.#mostEvents = history ? Number.POSITIVE_INFINITY : MOST_EVENTS;
  }

  /** Starts the counter at 0: errors of this source would be seen from now on. */
  watch(source: string, causes: readonly Cause[]): void {
    for (const cause of causes) this.#count(cause, source);
  }

  /**
   * @param time milliseconds since the epoch.
   * @param module the memory module with the error; null if unknown.
   */
  add(cause: Cause, source: string, text: string, time: number, module: string | null = null): void {
    const count = this.#count(cause, source);
    this.#totals.set(key(cause, source), this.#total(cause, source) + 1);
    if (count.told < this.#mostEvents) {
      count.told += 1;
      this.#events.push(event(cause, source, { text: printable(text), ...(module === null ? {} : { module }) }, time));
    } else count.untold += 1;
  }

  /** The events since the last call, and all totals. */
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

/** Makes one line of ordinary characters, because texts of logs reach terminals and pages. */
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
    body: details.module === undefined ? meaning : `${meaning} The module is ${details.module}.`,
    attributes: { cause, source, ...details },
  };
}
