/** One host as the collector knows it: who it is, the values of its last heartbeat, and the chunk that is being filled. */
import { Bytes, readFrames, type Values, writeFrame } from './frames.ts';
import type { Attributes, Point } from './otlp.ts';

/** A run of frames that is complete. Times in milliseconds since the epoch: `from` and `to` by the host, `seen` by us. */
export interface Chunk {
  readonly host: number;
  readonly from: number;
  readonly to: number;
  readonly seen: number;
  readonly frames: Buffer;
}

/** Of one host. What exceeds it is refused, and the sender told. */
export const MOST_SERIES_OF_HOST = 2_000;
/** A chunk is complete when it has as many frames, or bytes. */
const FRAMES_OF_CHUNK = 64;
const BYTES_OF_CHUNK = 8_192;
/** Milliseconds between heartbeats, where the host has sent none yet; and between what bounds. */
const INTERVAL = { initial: 30_000, least: 1_000, most: 300_000 } as const;

/** Hours since the epoch to what went wrong in that hour: by the host's counters, and by its events. */
export type MemoryErrors = Map<number, { counted: number; events: number }>;

export class Host {
  readonly id: number;
  /** Of the API: `host.id`, or what the sender has instead. */
  readonly key: string;
  resource: Attributes = {};
  /** As in the request, to see that it has changed. */
  resourceKey = '';
  /** Code to when it began. */
  attention: Record<string, number> = {};
  memoryErrors: MemoryErrors = new Map();
  /** When we last heard of it, by our clock. */
  seen: number;
  /** Of its newest heartbeat, by its own clock. */
  time = 0;
  /** Milliseconds between its last two heartbeats. */
  interval: number = INTERVAL.initial;
  series: readonly number[] = [];
  values: number[] = [];
  readonly #chunk = new Bytes(512);
  #frames = 0;
  #frameLimit: number;
  #frameTime = 0;
  #from = 0;
  #to = 0;
  /** When the open chunk was begun, by our clock, and the number of the journal's row that has its first frame. */
  opened = 0;
  journal = 0;

  constructor(id: number, key: string, now: number) {
    this.id = id;
    this.key = key;
    this.seen = now;
    // So that the chunks of hosts that began together are not complete together.
    this.#frameLimit = 1 + ((id * 29) % FRAMES_OF_CHUNK);
  }

  /** The series that it has now, and their values. */
  value(series: number): number | undefined {
    const index = this.series.indexOf(series);
    return index < 0 ? undefined : this.values[index];
  }

  get chunkOpen(): boolean {
    return this.#frames > 0;
  }

  get chunkFull(): boolean {
    return this.#frames >= this.#frameLimit || this.#chunk.length >= BYTES_OF_CHUNK;
  }

  /**
   * Takes the values of one time. Gives what changed: NaN for a series that is gone. `complete`: a series that is not
   * among the points is gone; otherwise it keeps its value. At most MOST_SERIES_OF_HOST points.
   */
  take(points: readonly Point[], complete: boolean): Values {
    return this.#inOrder(points) ? this.#takeInOrder(points) : this.#takeAny(points, complete);
  }

  /** All that it has. */
  all(): Values {
    return { series: this.series, values: this.values };
  }

  /** Notes that a heartbeat of this time came. */
  heard(time: number, now: number): void {
    const interval = time - this.time;
    if (interval >= INTERVAL.least && interval <= INTERVAL.most) this.interval = interval;
    this.time = Math.max(this.time, time);
    this.seen = now;
  }

  /** Appends a frame to the open chunk, which it opens if there is none: then `changes` are all values. Gives the frame. */
  append(time: number, changes: Values, journal: number, now: number): Buffer {
    if (this.#frames === 0) {
      [this.#frameTime, this.#from, this.#to] = [0, time, time];
      [this.opened, this.journal] = [now, journal];
    }
    const start = this.#chunk.length;
    writeFrame(this.#chunk, time - this.#frameTime, changes);
    this.#frames += 1;
    this.#frameTime = time;
    this.#from = Math.min(this.#from, time);
    this.#to = Math.max(this.#to, time);
    return this.#chunk.view().subarray(start);
  }

  /** Takes a frame that `append` gave before a restart; `opens`: it was the first of its chunk. */
  replay(frame: Buffer, opens: boolean, journal: number, now: number): void {
    if (opens) this.#empty();
    if (this.#frames === 0) {
      [this.#frameTime, this.#from, this.#to] = [0, Number.POSITIVE_INFINITY, 0];
      [this.opened, this.journal] = [now, journal];
    }
    this.#chunk.append(frame);
    this.#frames += 1;
    readFrames(frame, (sinceLast, changes) => {
      this.#frameTime += sinceLast;
      this.#from = Math.min(this.#from, this.#frameTime);
      this.#to = Math.max(this.#to, this.#frameTime);
      if (opens) this.restore({ series: [], values: [] });
      this.restore(changes);
      this.heard(this.#frameTime, now);
    });
  }

  /** Makes stored changes to the values. */
  restore({ series, values }: Values): void {
    if (series.length === 0) {
      [this.series, this.values] = [[], []];
      return;
    }
    const now = this.#map();
    for (const [index, id] of series.entries()) {
      if (Number.isNaN(values[index])) now.delete(id);
      else now.set(id, values[index]!);
    }
    [this.series, this.values] = [[...now.keys()], [...now.values()]];
  }

  /** The open chunk as it is; null: none is open. Its frames are valid until the next call of `append`. */
  peek(): Chunk | null {
    if (this.#frames === 0) return null;
    return { host: this.id, from: this.#from, to: this.#to, seen: this.seen, frames: this.#chunk.view() };
  }

  /** The open chunk, complete now. */
  close(): Chunk | null {
    const chunk = this.peek();
    if (chunk === null) return null;
    const frames = Buffer.from(chunk.frames);
    this.#empty();
    this.#frameLimit = FRAMES_OF_CHUNK;
    return { ...chunk, frames };
  }

  #empty(): void {
    this.#chunk.clear();
    this.#frames = 0;
  }

  #map(): Map<number, number> {
    return new Map(this.series.map((id, index) => [id, this.values[index]!]));
  }

  /** Nearly always: a heartbeat has the same series in the same order as the one before it. */
  #inOrder(points: readonly Point[]): boolean {
    const { series } = this;
    if (points.length !== series.length) return false;
    for (let index = 0; index < points.length; index += 1) if (points[index]!.series !== series[index]) return false;
    return true;
  }

  #takeInOrder(points: readonly Point[]): Values {
    const series: number[] = [];
    const changed: number[] = [];
    for (let index = 0; index < points.length; index += 1) {
      const { series: id, value } = points[index]!;
      if (value === this.values[index]) continue;
      series.push(id);
      changed.push(value);
      this.values[index] = value;
    }
    return { series, values: changed };
  }

  #takeAny(points: readonly Point[], complete: boolean): Values {
    const before = this.#map();
    const sent = points.map(({ series, value }) => [series, value] as const);
    let now = new Map(complete ? sent : [...before, ...sent]);
    // A sender whose series come and go: what it has not sent now goes.
    if (now.size > MOST_SERIES_OF_HOST) now = new Map(sent);
    const changes = new Map([...now].filter(([id, value]) => before.get(id) !== value));
    for (const id of before.keys()) if (!now.has(id)) changes.set(id, Number.NaN);
    [this.series, this.values] = [[...now.keys()], [...now.values()]];
    return { series: [...changes.keys()], values: [...changes.values()] };
  }
}
