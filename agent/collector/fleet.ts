/** All hosts: takes what they send, and keeps what is not on disk yet. */
import { Bytes, readFrames, writeFrame } from './frames.ts';
import { type Chunk, Host, MOST_SERIES_OF_HOST } from './host.ts';
import { Journal, replay } from './journal.ts';
import { type Attributes, cut, LIMITS, type LogRecord, type Point, type Resource } from './otlp.ts';
import { isOfRow } from './row.ts';
import { Rows } from './rows.ts';
import { SeriesTable } from './series.ts';
import type { Store, StoredEvent } from './store.ts';

/** Of one collector; what exceeds it is refused, and the sender told. */
const MOST_HOSTS = 200_000;
/** A chunk this old is complete: milliseconds. */
const AGE_OF_CHUNK = 1_800_000;
/** Milliseconds that a host's clock may be ahead of ours; a time beyond is not believed. */
const AHEAD = 300_000;
const HOUR = 3_600_000;

export class Fleet {
  readonly series = new SeriesTable();
  readonly rows: Rows;
  /** Heartbeats that were taken, and those that the sequence numbers say we never saw. */
  readonly counters = { heartbeats: 0, missed: 0, events: 0, repeats: 0 };
  readonly #store: Store;
  readonly #keep: number;
  readonly #byKey = new Map<string, Host>();
  readonly #byId: Host[] = [];
  /** By the bytes of the resource. */
  #byResource = new Map<string, Host>();
  readonly #journal: Journal;
  #chunks: Chunk[] = [];
  #changed = new Set<Host>();
  #events: StoredEvent[] = [];
  /** Where `closeOld` is. */
  #looked = -1;

  /** `keep`: milliseconds of the past that a heartbeat may tell of. Reads all that the store has. */
  constructor(store: Store, keep: number, now: number) {
    this.#store = store;
    this.#keep = keep;
    this.rows = new Rows(this.#byId, this.series, now, (host) => this.#changed.add(host));
    for (const series of store.series()) this.series.restore(series);
    for (const stored of store.hosts()) {
      const host = this.#add(stored.id, stored.key, now);
      host.resource = JSON.parse(stored.resource);
      host.attention = JSON.parse(stored.attention);
      host.memoryErrors = new Map(JSON.parse(stored.memory_errors));
      const chunk = store.newestChunk(host.id);
      if (chunk === null) continue;
      readFrames(chunk.frames, (time, changes) => {
        host.restore(changes);
        host.heard(time, chunk.seen);
      });
    }
    this.#journal = new Journal(store.lastJournal() + 1);
    for (const { id, entries } of store.journal()) replay(id, entries, this.#byId);
  }

  find(key: string): Host | undefined {
    return this.#byKey.get(key);
  }

  /** Takes the points of one resource; gives how many it refused. */
  beat(resource: Resource, points: readonly Point[], now: number): number {
    const host = this.#hostOf(resource, now);
    if (host === null) return points.length;
    let refused = 0;
    for (const [time, group] of byTime(points)) {
      this.#beat(host, this.#believed(time, now), group.slice(0, MOST_SERIES_OF_HOST), now);
      refused += Math.max(0, group.length - MOST_SERIES_OF_HOST);
    }
    return refused;
  }

  /** Takes events; gives how many it refused. */
  note(resource: Resource, records: readonly LogRecord[], now: number): number {
    const host = this.#hostOf(resource, now);
    if (host === null) return records.length;
    for (const { time, name, severity, body, attributes } of records) {
      const id = attributes['holdfast.record.id'];
      const record = id === undefined ? null : String(id);
      this.#events.push({ host: host.id, time: this.#believed(time, now), name, severity, body, attributes, record });
    }
    return 0;
  }

  /** Something waits for the disk. */
  get waiting(): boolean {
    return this.#journal.length + this.#events.length + this.#chunks.length + this.#changed.size > 0;
  }

  /** Writes what waits. Throws where it cannot: then all of it waits on. */
  commit(): void {
    const events = this.#store.commit({
      journal: { id: this.#journal.number, entries: this.#journal.view() },
      chunks: this.#chunks,
      hosts: this.#changed,
      series: this.series.unsaved(),
      events: this.#events,
    });
    this.series.saved();
    this.#journal.stored();
    this.counters.events += events.length;
    this.counters.repeats += this.#events.length - events.length;
    this.#chunks = [];
    this.#changed = new Set();
    this.#events = [];
    for (const event of events) if (isMemoryError(event.name)) this.#memoryError(event.host, event.time, 0, 1);
  }

  /** Completes chunks that are old. Looks at a share of the hosts, the next one each time: all at once would keep heartbeats waiting. */
  closeOld(now: number, share = 1): void {
    for (let left = Math.ceil(this.#byId.length * share); left > 0; left -= 1) {
      this.#looked = this.#looked + 1 < this.#byId.length ? this.#looked + 1 : 0;
      const host = this.#byId[this.#looked]!;
      if (!host.chunkOpen || now - host.opened <= AGE_OF_CHUNK) continue;
      this.#close(host);
      this.#journal.closed(host, now);
    }
  }

  /** Drops the journal that no open chunk needs. */
  tidy(now: number): void {
    this.commit();
    let oldest = this.#journal.number;
    for (const host of this.#byId) if (host.chunkOpen) oldest = Math.min(oldest, host.journal);
    this.#store.forgetJournal(oldest);
    for (const host of this.#byId) {
      if (host.memoryErrors.size === 0) continue;
      for (const hour of host.memoryErrors.keys()) if (hour < now / HOUR - 25) host.memoryErrors.delete(hour);
      this.rows.unsettle(host); // those of a day ago do not count any more
    }
  }

  #beat(host: Host, time: number, points: readonly Point[], now: number): void {
    const sequence = this.#sequence(points);
    this.counters.heartbeats += 1;
    this.rows.beaten(host);
    if (time < host.time) {
      // What was late is a chunk of its own: the values that the host has now are newer.
      const frames = new Bytes();
      const all = { series: points.map(({ series }) => series), values: points.map(({ value }) => value) };
      writeFrame(frames, time, all);
      host.seen = now;
      this.#chunks.push({ host: host.id, from: time, to: time, seen: now, frames: Buffer.from(frames.view()) });
      return;
    }
    this.#countErrors(host, points, time);
    if (sequence !== null) {
      const missed = sequence.value - (host.value(sequence.series) ?? sequence.value) - 1;
      if (missed > 0) this.counters.missed += missed;
    }
    const repeat = time === host.time;
    const changes = host.take(points, sequence !== null);
    host.heard(time, now);
    if (repeat && changes.series.length === 0) return;
    if (changes.series.some((id) => isOfRow(this.series.get(id)))) this.rows.unsettle(host);
    if (host.chunkFull) this.#close(host);
    const opens = !host.chunkOpen;
    const frame = host.append(time, opens ? host.all() : changes, this.#journal.number, now);
    this.#journal.frame(host, frame, opens, now);
  }

  #close(host: Host): void {
    const chunk = host.close();
    if (chunk !== null) this.#chunks.push(chunk);
  }

  /** The point that only a heartbeat of Holdfast has: such a request has all that the host knows. */
  #sequence(points: readonly Point[]): Point | null {
    return points.find(({ series }) => this.series.get(series)?.metric === 'holdfast.heartbeat.sequence') ?? null;
  }

  /** By how much the counters of memory errors grew; one that the host begins with may have counted long before. */
  #countErrors(host: Host, points: readonly Point[], time: number): void {
    if (host.series.length === 0) return;
    for (const { series, value } of points) {
      if (this.series.get(series)?.metric !== 'holdfast.memory_errors') continue;
      const before = host.value(series) ?? 0;
      const counted = value >= before ? value - before : value;
      if (counted > 0) this.#memoryError(host.id, time, counted, 0);
    }
  }

  #memoryError(id: number, time: number, counted: number, events: number): void {
    const host = this.#byId[id]!;
    const hour = Math.floor(time / HOUR);
    const before = host.memoryErrors.get(hour) ?? { counted: 0, events: 0 };
    host.memoryErrors.set(hour, { counted: before.counted + counted, events: before.events + events });
    this.#changed.add(host);
    this.rows.unsettle(host);
  }

  /** The clocks of hosts are not trusted: a time that cannot be is ours. */
  #believed(time: number, now: number): number {
    return time > now - this.#keep && time < now + AHEAD ? time : now;
  }

  #hostOf(resource: Resource, now: number): Host | null {
    const known = this.#byResource.get(resource.key);
    if (known !== undefined && known.resourceKey === resource.key) return known;
    const attributes = resource.read();
    const key = keyOf(attributes);
    let host = this.#byKey.get(key);
    if (host === undefined && this.#byId.length >= MOST_HOSTS) return null;
    host ??= this.#add(this.#byId.length, key, now);
    this.#byResource.delete(host.resourceKey);
    this.#byResource.set(resource.key, host);
    host.resourceKey = resource.key;
    host.resource = attributes;
    this.#changed.add(host);
    this.rows.regroup(host);
    return host;
  }

  #add(id: number, key: string, now: number): Host {
    const host = new Host(id, key, now);
    this.#byKey.set(key, host);
    this.#byId[id] = host;
    this.rows.unsettle(host);
    return host;
  }
}

/** A resource that does not say which host it is goes by the next best that it says. */
function keyOf(attributes: Attributes): string {
  const names = ['host.id', 'host.name', 'service.instance.id', 'service.name'];
  const found = names.map((name) => String(attributes[name] ?? '')).find((value) => value !== '');
  return cut(found ?? 'unknown', LIMITS.attributeKey);
}

function byTime(points: readonly Point[]): Iterable<readonly [number, readonly Point[]]> {
  const [first] = points;
  if (first === undefined) return [];
  if (points.every(({ time }) => time === first.time)) return [[first.time, points]];
  const groups = Map.groupBy(points, ({ time }) => time);
  return [...groups].sort(([a], [b]) => a - b);
}

function isMemoryError(name: string): boolean {
  return name === 'holdfast.memory_error' || name === 'holdfast.route_failure';
}
