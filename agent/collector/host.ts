/** One host as the collector knows it: who it is, the values of its last heartbeat, and the chunk that is being filled. */
import { Bytes, readFrames, type Values, writeFrame } from './frames.ts';
import type { Attributes, Point } from './otlp.ts';
import { Pulse } from './pulse.ts';

/** A run of frames that is complete. Times in milliseconds since the epoch: `from` and `to` by the host, `seen` by us. */
export interface Chunk {
  readonly host: number;
  readonly from: number;
  readonly to: number;
  readonly seen: number;
  /** Of an earlier time than heartbeats that had come before: the host's values are others by now. */
  readonly late: boolean;
  readonly frames: Buffer;
}

/** What is told of the series that a host has. */
export interface Holders {
  hold(series: number, host: Host): void;
  release(series: number, now: number): void;
}

/** Of one host. What exceeds it is refused, and the sender told. */
export const MOST_SERIES_OF_HOST = 2_000;
/** A chunk is complete when it has as many frames, or bytes; but the first frame, which has all values, is to be the smaller part. */
const FRAMES_OF_CHUNK = 64;
const BYTES_OF_CHUNK = 8_192;
/** Hours since the epoch to what went wrong in that hour: by the host's counters, and by its events. */
export type MemoryErrors = Map<number, { counted: number; events: number }>;

export class Host {
  readonly id: number;
  /** Of the API: `host.id`, or what the sender has instead. */
  readonly key: string;
  /** Which host it says that it is; clones say the same. */
  identity = '';
  resource: Attributes = {};
  /** As in the request, to see that it has changed. */
  resourceKey = '';
  /** Code to when it began. */
  attention = new Map<string, number>();
  memoryErrors: MemoryErrors = new Map();
  /** Who sends for it, as we know it: sender.ts. */
  sender = '';
  /** When the counters of its agent began, by its own clock; 0: unknown. */
  start = 0;
  /** Which agent sends for it, as clones.ts knows it, and the number of its last heartbeat; '' and 0: none is known. */
  agent = '';
  sequence = 0;
  /** `start` when its counters were last looked at. */
  counted = 0;
  /** Heartbeats whose number had come before, within an hour of each other, and when the last one came. */
  returned = { count: 0, at: 0 };
  readonly pulse: Pulse;
  series: readonly number[] = [];
  values: number[] = [];
  /** Where each series stands in `series`; `of`: the list that it was made of. */
  #places: { of: readonly number[]; at: Map<number, number> } = { of: this.series, at: new Map() };
  readonly #chunk = new Bytes(512);
  #frames = 0;
  #frameLimit: number;
  /** Bytes of the open chunk's first frame. */
  #opening = 0;
  #frameTime = 0;
  #from = 0;
  #to = 0;
  /** When the open chunk was begun, by our clock, and the number of the journal's row that has its first frame. */
  opened = 0;
  journal = 0;

  constructor(id: number, key: string, now: number) {
    this.id = id;
    this.key = key;
    this.pulse = new Pulse(now);
    // So that the chunks of hosts that began together are not complete together.
    this.#frameLimit = 1 + ((id * 29) % FRAMES_OF_CHUNK);
  }

  /** When we last heard of it, by our clock. */
  get seen(): number {
    return this.pulse.seen;
  }

  /** The value that a series of it has now. */
  value(series: number): number | undefined {
    const index = this.#place(series);
    return index === undefined ? undefined : this.values[index];
  }

  get chunkOpen(): boolean {
    return this.#frames > 0;
  }

  get chunkFull(): boolean {
    return this.#frames >= this.#frameLimit || this.#chunk.length >= Math.max(BYTES_OF_CHUNK, 2 * this.#opening);
  }

  /**
   * Takes the values of one time. Gives what changed: NaN for a series that is gone. `complete`: a series that is not
   * among the points is gone; otherwise it keeps its value. At most MOST_SERIES_OF_HOST points.
   */
  take(points: readonly Point[], complete: boolean, now: number, holders: Holders): Values {
    if (this.#inOrder(points)) return this.#takeInOrder(points);
    return (complete ? null : this.#takeKnown(points)) ?? this.#takeAny(points, complete, now, holders);
  }

  /** All that it has. */
  all(): Values {
    return { series: this.series, values: this.values };
  }

  /** Appends a frame to the open chunk, which it opens if there is none: then `changes` are all values. Gives the frame. */
  append(time: number, changes: Values, journal: number, now: number): Buffer {
    if (this.#frames === 0) {
      [this.#frameTime, this.#from, this.#to] = [0, time, time];
      [this.opened, this.journal] = [now, journal];
    }
    const start = this.#chunk.length;
    writeFrame(this.#chunk, time - this.#frameTime, changes);
    if (this.#frames === 0) this.#opening = this.#chunk.length;
    this.#frames += 1;
    this.#frameTime = time;
    this.#from = Math.min(this.#from, time);
    this.#to = Math.max(this.#to, time);
    return this.#chunk.view().subarray(start);
  }

  /** Takes a frame that `append` gave before a restart; `opens`: it was the first of its chunk. Throws, and changes nothing, where it is none. */
  replay(frame: Buffer, opens: boolean, journal: number, now: number): void {
    // Its chunk is complete and stored, and the row of the journal that opened the chunk is gone.
    if (!opens && this.#frames === 0) return;
    const read: { sinceLast: number; changes: Values }[] = [];
    readFrames(frame, (sinceLast, changes) => read.push({ sinceLast, changes }));
    const last = read.reduce((time, { sinceLast }) => time + sinceLast, opens ? 0 : this.#frameTime);
    if (read.length === 0 || !isTime(last) || !isTime(now)) throw new RangeError('not a frame');
    if (opens) this.#empty();
    if (this.#frames === 0) {
      [this.#frameTime, this.#from, this.#to] = [0, Number.POSITIVE_INFINITY, 0];
      [this.opened, this.journal] = [now, journal];
    }
    this.#chunk.append(frame);
    if (this.#frames === 0) this.#opening = this.#chunk.length;
    this.#frames += 1;
    for (const { sinceLast, changes } of read) {
      this.#frameTime += sinceLast;
      this.#from = Math.min(this.#from, this.#frameTime);
      this.#to = Math.max(this.#to, this.#frameTime);
      if (opens) this.restore({ series: [], values: [] });
      this.restore(changes);
      this.pulse.beat(this.#frameTime, 0, now);
    }
  }

  /** Makes stored changes to the values. Nobody is told of the series: that is for when all is restored. */
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
    return { host: this.id, from: this.#from, to: this.#to, seen: this.seen, late: false, frames: this.#chunk.view() };
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

  /** Values of series that it has already, without a look at all others: a request may bring them for very many times. null: there is a new one. */
  #takeKnown(points: readonly Point[]): Values | null {
    if (points.some(({ series }) => this.#place(series) === undefined)) return null;
    const changes = new Map<number, number>();
    for (const { series, value } of points) {
      const index = this.#place(series)!;
      if (this.values[index] !== value) changes.set(series, value);
      this.values[index] = value;
    }
    return { series: [...changes.keys()], values: [...changes.values()] };
  }

  #place(series: number): number | undefined {
    if (this.#places.of !== this.series) {
      this.#places = { of: this.series, at: new Map(this.series.map((id, index) => [id, index])) };
    }
    return this.#places.at.get(series);
  }

  #takeAny(points: readonly Point[], complete: boolean, at: number, holders: Holders): Values {
    const before = this.#map();
    const sent = points.map(({ series, value }) => [series, value] as const);
    let now = new Map(complete ? sent : [...before, ...sent]);
    // A sender whose series come and go: what it has not sent now goes.
    if (now.size > MOST_SERIES_OF_HOST) now = new Map(sent);
    const changes = new Map([...now].filter(([id, value]) => before.get(id) !== value));
    for (const id of now.keys()) if (!before.has(id)) holders.hold(id, this);
    for (const id of before.keys()) {
      if (now.has(id)) continue;
      changes.set(id, Number.NaN);
      holders.release(id, at);
    }
    [this.series, this.values] = [[...now.keys()], [...now.values()]];
    return { series: [...changes.keys()], values: [...changes.values()] };
  }
}

/** Milliseconds since the epoch that a clock may show. */
function isTime(time: number): boolean {
  return Number.isSafeInteger(time) && time >= 0 && time <= 8.64e15;
}
