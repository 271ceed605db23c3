/** One host: its identity, the values of its last heartbeat, and its open chunk. */
import type { AskedServers } from '../dependences/asked.ts';
import type { Told } from '../dependences/told.ts';
import { Bytes, readFrames, type Values, writeFrame } from '../series/value-frames.ts';
import type { OtlpAttributes, OtlpPoint } from '../wire/otlp.ts';
import { Pulse } from './pulse.ts';
import { Speaker } from './speaker.ts';

/**
 * A complete run of frames. Times are in milliseconds since the epoch: `from` and `to` by the host's clock, `seen` by
 * ours.
 */
export interface Chunk {
  readonly host: number;
  readonly from: number;
  readonly to: number;
  readonly seen: number;
  /** True if the chunk is older than earlier heartbeats, so the host's present values differ. */
  readonly late: boolean;
  readonly frames: Buffer;
}

/** Called with the series that a host gains and loses. */
export interface Holders {
  hold(series: number, host: HostState): void;
  release(series: number, now: number): void;
}

/** The most series of one host. More are refused, and the answer says so. */
export const MOST_SERIES_OF_HOST = 2_000;
/** A chunk is complete at so many frames or bytes, if its first frame, which has all values, is the smaller part. */
const FRAMES_OF_CHUNK = 64;
const BYTES_OF_CHUNK = 8_192;
/** Hours since the epoch, each with its errors by the host's counters and by its events. */
export type MemoryErrors = Map<number, { counted: number; events: number }>;

export class HostState {
  readonly id: number;
  /** The id in the API: `host.id`, or the sender's next best attribute. */
  readonly key: string;
  /** The host id as reported, which clones share. */
  identity = '';
  resource: OtlpAttributes = {};
  /** The bytes of the resource, to notice a change. */
  resourceKey = '';
  /** When each code began. */
  attention = new Map<string, number>();
  memoryErrors: MemoryErrors = new Map();
  /** The sender of its own requests (sender.ts), not of requests that others send in its name. */
  sender = '';
  /** When its agent's counters began, by its own clock; 0 if unknown. */
  start = 0;
  /** Its agent, in the form of clones.ts, and the number of the last heartbeat; '' and 0 if unknown. */
  agent = '';
  sequence = 0;
  /** `start` at the last look at its counters. */
  counted = 0;
  /** How many heartbeats repeated a number, within an hour of each other, and when the last such heartbeat came. */
  returned = { count: 0, at: 0 };
  /** Its dependences; null if it told none, or if the last ones could not be read. */
  told: Told | null = null;
  /** Why the last dependences could not be read; '' if they could. */
  toldProblem = '';
  /** Which name servers it asks, by its ledger; null if it has none. */
  asked: AskedServers | null = null;
  /** When an operator retired it; 0 if it is not retired. A retired host is shown nowhere. It comes back when it reports. */
  retired = 0;
  readonly pulse: Pulse;
  speaker = new Speaker();
  series: readonly number[] = [];
  values: number[] = [];
  /** The index of each series in `series`; `of` is the list that the map was made from. */
  #places: { of: readonly number[]; at: Map<number, number> } = { of: this.series, at: new Map() };
  readonly #chunk = new Bytes(512);
  #frames = 0;
  #frameLimit: number;
  /** The size of the open chunk's first frame, in bytes. */
  #opening = 0;
  #frameTime = 0;
  #from = 0;
  #to = 0;
  /** When the open chunk was begun, by our clock, and the number of the journal row with its first frame. */
  opened = 0;
  journal = 0;

  constructor(id: number, key: string, now: number) {
    this.id = id;
    this.key = key;
    this.pulse = new Pulse(now);
    // Varies the length, so that chunks that began together do not end together.
    this.#frameLimit = 1 + ((id * 29) % FRAMES_OF_CHUNK);
  }

  /** When we last heard of it, by our clock. */
  get seen(): number {
    return this.pulse.seen;
  }

  /** The present value of one of its series. */
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
   * Takes the values of one time, at most MOST_SERIES_OF_HOST. Returns the changes, with NaN for a series that is gone.
   * `complete`: a series without a point is gone; otherwise it keeps its value.
   */
  take(points: readonly OtlpPoint[], complete: boolean, now: number, holders: Holders): Values {
    if (this.#inOrder(points)) return this.#takeInOrder(points);
    return (complete ? null : this.#takeKnown(points)) ?? this.#takeAny(points, complete, now, holders);
  }

  /** All present series and values. */
  all(): Values {
    return { series: this.series, values: this.values };
  }

  /**
   * Appends a frame to the open chunk, and opens a chunk if needed: `changes` must be all values in that case. Returns
   * the frame.
   */
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

  /**
   * Takes a frame that `append` returned before a restart. `opens`: the frame was the first of its chunk. Throws on a
   * broken frame and changes nothing.
   */
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

  /** Applies stored changes to the values. The series are announced later, when everything is restored. */
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

  /** The open chunk; null if none is open. Its frames are valid until the next call of `append`. */
  peek(): Chunk | null {
    if (this.#frames === 0) return null;
    return { host: this.id, from: this.#from, to: this.#to, seen: this.seen, late: false, frames: this.#chunk.view() };
  }

  /** Completes the open chunk and returns it. */
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

  /** The usual case: a heartbeat has the same series in the same order as the previous heartbeat. */
  #inOrder(points: readonly OtlpPoint[]): boolean {
    const { series } = this;
    if (points.length !== series.length) return false;
    for (let index = 0; index < points.length; index += 1) if (points[index]!.series !== series[index]) return false;
    return true;
  }

  #takeInOrder(points: readonly OtlpPoint[]): Values {
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

  /**
   * Takes values of known series without looking at the remaining series, because a request may have very many times.
   * null if a series is new.
   */
  #takeKnown(points: readonly OtlpPoint[]): Values | null {
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

  #takeAny(points: readonly OtlpPoint[], complete: boolean, at: number, holders: Holders): Values {
    const before = this.#map();
    const sent = points.map(({ series, value }) => [series, value] as const);
    let now = new Map(complete ? sent : [...before, ...sent]);
    // The sender's series come and go, so those without a value now are dropped.
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

/** Whether a clock may show this time, in milliseconds since the epoch. */
function isTime(time: number): boolean {
  return Number.isSafeInteger(time) && time >= 0 && time <= 8.64e15;
}
