/**
 * The past of one metric of one host, thinned while it is read. However long the past is, its memory is limited, and so
 * is the time that other requests wait for it.
 */
import { Refused } from '../admission/body.ts';
import type { Pause } from '../admission/turns.ts';
import type { SeriesAnswer } from '../api.ts';
import type { HostState } from '../hosts/host-state.ts';
import type { Series } from '../series/series.ts';
import { Thinned } from '../series/thinned.ts';
import { readFrames, type Values } from '../series/value-frames.ts';
import type { Store } from '../store/store.ts';

/** The most series in one answer, and the most points of all of them. */
const MOST_LINES = 2_000;
const MOST_POINTS = 100_000;
/**
 * The most values that are read for one answer: about ten seconds of one core. Finding the name of a series counts as
 * this many values.
 */
const MOST_VALUES = 100_000_000;
const LOOK = 100;

export interface Past {
  readonly metric: string;
  /** Milliseconds since the epoch, by the host's clock. */
  readonly from: number;
  readonly to: number;
  /** The number of points of each series, if there are not too many series. */
  readonly points: number;
}

interface Line {
  readonly attributes: Series['attributes'];
  readonly unit: string;
  readonly points: Thinned;
}

/** `series` gives the host's present series. Throws Refused (400) if one answer would need too many values. */
export async function readHistory(
  host: HostState,
  past: Past,
  series: { get(id: number): Series | undefined },
  store: Store,
  pause: Pause,
): Promise<SeriesAnswer> {
  const reading = new Reading(past, (id) => series.get(id) ?? store.seriesOf(id));
  // The open chunk as it is now, and the chunks that are complete now. A chunk that becomes complete meanwhile is
  // therefore read only once.
  const open = host.peek();
  const last = open === null ? null : Buffer.from(open.frames);
  for (const number of store.chunkNumbers(host.id, past.from, past.to)) {
    const chunk = store.chunk(number);
    if (chunk !== null) reading.take(chunk.frames);
    await pause();
  }
  if (last !== null) reading.take(last);
  return reading.answer(pause);
}

class Reading {
  readonly #past: Past;
  readonly #nameOf: (id: number) => Series | undefined;
  /** The line of each series, by the series' number; null for a series of another metric, or beyond the limit. */
  readonly #lines = new Map<number, Line | null>();
  readonly #byAttributes = new Map<string, Line>();
  #leftOut = 0;
  #left = MOST_VALUES;

  constructor(past: Past, nameOf: (id: number) => Series | undefined) {
    this.#past = past;
    this.#nameOf = nameOf;
  }

  take(frames: Buffer): void {
    const { from, to } = this.#past;
    const now = new Map<Line, number>();
    readFrames(frames, (time, changes) => {
      this.#change(now, changes);
      if (time < from || time > to) return;
      this.#spend(now.size);
      for (const [{ points }, value] of now) points.add(time, value);
    });
  }

  async answer(pause: Pause): Promise<SeriesAnswer> {
    const series: SeriesAnswer['series'][number][] = [];
    for (const { attributes, points } of this.#byAttributes.values()) {
      series.push({ attributes, points: points.all() });
      await pause();
    }
    const unit = this.#byAttributes.values().next().value?.unit ?? '';
    return { metric: this.#past.metric, unit, series, leftOut: this.#leftOut };
  }

  #change(now: Map<Line, number>, { series, values }: Values): void {
    this.#spend(series.length);
    for (let index = 0; index < series.length; index += 1) {
      const id = series[index]!;
      let line = this.#lines.get(id);
      if (line === undefined) {
        line = this.#lineOf(id);
        this.#lines.set(id, line);
      }
      if (line === null) continue;
      const value = values[index]!;
      if (Number.isNaN(value)) now.delete(line);
      else now.set(line, value);
    }
  }

  #lineOf(id: number): Line | null {
    this.#spend(LOOK);
    const series = this.#nameOf(id);
    if (series?.metric !== this.#past.metric) return null;
    const { attributes, unit } = series;
    // A series that was gone for long and came back has another number.
    const name = JSON.stringify(attributes);
    const known = this.#byAttributes.get(name);
    if (known !== undefined) return known;
    if (this.#byAttributes.size >= MOST_LINES) {
      this.#leftOut += 1;
      return null;
    }
    const line = { attributes, unit, points: new Thinned(this.#past.points) };
    this.#byAttributes.set(name, line);
    const most = Math.floor(MOST_POINTS / this.#byAttributes.size);
    if (most < this.#past.points) for (const { points } of this.#byAttributes.values()) points.most = most;
    return line;
  }

  #spend(values: number): void {
    this.#left -= values;
    if (this.#left > 0) return;
    throw new Refused(400, 'too many values for one answer: ask for a shorter time between "from" and "to"');
  }
}
