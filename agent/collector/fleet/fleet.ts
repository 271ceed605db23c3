/** All hosts: takes their heartbeats and events, and holds them until they are on disk. */
import { AskedServers, isOfLedger } from '../dependences/asked.ts';
import { readTold } from '../dependences/told.ts';
import { Census } from '../hosts/census.ts';
import { type HostState, MOST_SERIES_OF_HOST } from '../hosts/host-state.ts';
import { countErrors, isMemoryError, noteErrors } from '../hosts/memory-error-counts.ts';
import { CLOCK_TOLERANCE } from '../hosts/pulse.ts';
import { isOfRow } from '../hosts/row.ts';
import { Rows } from '../hosts/rows.ts';
import { isOfHoldfast } from '../retire/known-hosts.ts';
import { SeriesTable } from '../series/series.ts';
import { Bytes, type Values, writeFrame } from '../series/value-frames.ts';
import { ChunkJournal } from '../store/chunk-journal.ts';
import type { Store } from '../store/store.ts';
import { Uncommitted } from '../store/uncommitted.ts';
import { DEPENDENCES, type LogRecord, MalformedRequest, type OtlpPoint, type OtlpResource } from '../wire/otlp.ts';
import { restore } from './restore.ts';
import { Upkeep } from './upkeep.ts';

const OF_ANOTHER = 'holdfast.dependences of a host whose heartbeats another sender sends';

/** Points of one time. `sequence`: the number of Holdfast's heartbeat; null if another program sent the points. */
interface Beat {
  /** The host's own time. */
  readonly time: number;
  readonly points: readonly OtlpPoint[];
  readonly sequence: number | null;
  readonly sender: string;
  readonly now: number;
}

export class Fleet {
  readonly series = new SeriesTable();
  readonly rows: Rows;
  /**
   * Heartbeats that were taken, and heartbeats that we never saw. The missing ones are counted by their numbers, as far
   * as there was time for them.
   */
  readonly counters = { heartbeats: 0, missed: 0, events: 0, repeats: 0, forgotten: 0 };
  readonly upkeep: Upkeep;
  readonly #store: Store;
  readonly #keep: number;
  readonly #census: Census;
  readonly #pending: Uncommitted;
  readonly #onLost: (host: HostState) => void;

  /**
   * `keep`: the greatest age of a heartbeat, in milliseconds. `onLost` gets each host with an agent that is forgotten,
   * because it was silent for so long, or for lack of room. Loads everything from the store except unreadable rows.
   */
  constructor(store: Store, keep: number, now: number, onLost: (host: HostState) => void = () => {}) {
    this.#store = store;
    this.#keep = keep;
    this.#onLost = onLost;
    this.#pending = new Uncommitted(new ChunkJournal(store.lastJournal() + 1));
    this.#census = new Census(store.numbers().hosts, {
      described: (host) => {
        this.#pending.changed.add(host);
        this.rows.regroup(host);
      },
      forgotten: (host, at) => this.#forgotten(host, at),
    });
    const { hosts, clones } = this.#census;
    this.rows = new Rows(hosts, this.series, now, clones, (host) => this.#pending.changed.add(host));
    restore(store, this.#census, this.series, now);
    for (const host of hosts) this.rows.unsettle(host);
    const [census, pending, { series, rows }] = [this.#census, this.#pending, this];
    this.upkeep = new Upkeep({ store, keep, census, pending, series, rows, commit: () => this.commit() });
  }

  find(key: string): HostState | undefined {
    return this.#census.hosts.find(key);
  }

  get hosts(): Iterable<HostState> {
    return this.#census.hosts;
  }

  /**
   * Takes the points of one resource. Returns how many it refused. Throws MalformedRequest if the resource is
   * malformed.
   */
  beat(resource: OtlpResource, points: readonly OtlpPoint[], now: number, sender = ''): number {
    let refused = 0;
    for (const [time, group] of byTime(points)) {
      const taken = group.slice(0, MOST_SERIES_OF_HOST);
      const sequence = this.#sequence(taken);
      const agent =
        sequence === null
          ? null
          : { start: sequence.start ?? 0, sequence: sequence.value, time: this.#believed(time, now) };
      const found = this.#census.of(resource, agent, now, sender);
      refused += found === null ? group.length : group.length - taken.length;
      if (found === null) continue;
      if (found.late) this.#late(found.host, this.#believed(time, now), taken, now);
      else this.#beat(found.host, { time, points: taken, sequence: agent?.sequence ?? null, sender, now });
      this.#touch(found.host, sender);
    }
    return refused;
  }

  /**
   * Takes events. Returns how many it refused; `because` gets the reason if it is not a lack of room. Throws
   * MalformedRequest if the resource is malformed.
   */
  note(
    resource: OtlpResource,
    records: readonly LogRecord[],
    now: number,
    sender = '',
    because: (reason: string) => void = () => {},
  ): number {
    if (records.length === 0) return 0;
    const found = this.#census.of(resource, null, now, sender);
    if (found === null) return records.length;
    const { host } = found;
    let refused = 0;
    host.pulse.heard(now);
    this.#heard(host);
    for (const { time, name, severity, body, attributes } of records) {
      if (name === DEPENDENCES) {
        const problem = this.#told(host, body, now, sender);
        if (problem !== '') {
          refused += 1;
          because(problem);
        }
        continue;
      }
      const id = attributes['holdfast.record.id'];
      const record = id === undefined ? null : String(id);
      const common = { name, severity, body, attributes, record };
      this.#pending.events.push({ host: host.id, time: this.#believed(time, now), arrived: now, ...common });
    }
    this.#touch(host, sender);
    return refused;
  }

  /** Keeps an event of the collector's own about a host. */
  keep(host: HostState, event: Omit<LogRecord, 'time'>, now: number): void {
    this.#pending.events.push({ ...event, host: host.id, time: now, arrived: now, record: null });
  }

  /** Retires a host: it is shown nowhere until it reports again. */
  retire(host: HostState, now: number): void {
    host.retired = now;
    this.#pending.changed.add(host);
    this.rows.forget(host);
  }

  /** Whether anything waits for the disk. */
  get waiting(): boolean {
    return this.#pending.any;
  }

  /** Writes everything that waits. If that fails, it throws and everything still waits. */
  commit(): void {
    const { events, repeats } = this.#pending.commit(this.#store, this.series);
    this.counters.events += events.length;
    this.counters.repeats += repeats;
    for (const { host: id, name, arrived } of events) {
      const host = this.#census.hosts.byId(id);
      if (host === undefined || !isMemoryError(name)) continue;
      noteErrors(host, arrived, 0, 1);
      this.#erred(host);
    }
  }

  /** A request of another sender does not make the host that sender's. */
  #touch(host: HostState, sender: string): void {
    this.#census.touch(host, host.speaker.isOwn(sender) ? sender : host.sender);
  }

  /** Stores late points in a chunk of their own, because the host's present values are newer. */
  #late(host: HostState, time: number, points: readonly OtlpPoint[], now: number): void {
    const frames = new Bytes();
    writeFrame(frames, time, { series: points.map(({ series }) => series), values: points.map(({ value }) => value) });
    for (const { series } of points) this.series.keep(series, host.id);
    this.counters.heartbeats += 1;
    host.pulse.heard(now);
    this.rows.beaten(host);
    const chunk = { host: host.id, from: time, to: time, seen: now, late: true, frames: Buffer.from(frames.view()) };
    this.#pending.chunks.push(chunk);
  }

  /** Without a sequence, the sender may have more series than it sent. */
  #beat(host: HostState, { time: claimed, points, sequence, sender, now }: Beat): void {
    const time = this.#believed(claimed, now);
    const repeat = time === host.pulse.time;
    this.counters.heartbeats += 1;
    this.#heard(host);
    if (countErrors(host, points, this.series, sequence, now)) this.#erred(host);
    const changes = host.take(points, sequence !== null, now, this.series);
    if (sequence !== null) host.speaker.beaten(sender, host.pulse.beaten, now);
    host.pulse.beat(time, claimed, now);
    if (sequence !== null) this.#count(host, sequence);
    if (repeat && changes.series.length === 0) return;
    // Only a heartbeat of Holdfast has a ledger.
    if (sequence !== null) this.#ask(host, changes, claimed === 0 ? 0 : claimed - now, now);
    if (changes.series.some((id) => isOfRow(this.series.get(id)))) this.rows.unsettle(host);
    if (host.chunkFull) this.#pending.close(host);
    const opens = !host.chunkOpen;
    const { journal } = this.#pending;
    const frame = host.append(time, opens ? host.all() : changes, journal.number, now);
    journal.frame(host, frame, opens, now);
  }

  /**
   * Takes the dependences that a host tells. Returns why they are not kept; '' if they are. If they cannot be read, none
   * are known. Those of another sender change nothing, except that the host is in doubt.
   */
  #told(host: HostState, body: string, now: number, sender: string): string {
    this.#pending.told.add(host);
    if (!host.speaker.told(sender, host.pulse.interval, now)) return OF_ANOTHER;
    try {
      host.told = readTold(body, now);
      host.toldProblem = '';
    } catch (error) {
      if (!(error instanceof MalformedRequest)) throw error;
      host.told = null;
      host.toldProblem = error.message;
    }
    return host.toldProblem;
  }

  /** Takes changed values of the ledger of name servers. `ahead`: milliseconds by which the host's clock is ahead. */
  #ask(host: HostState, { series, values }: Values, ahead: number, now: number): void {
    for (const [index, id] of series.entries()) {
      const one = this.series.get(id);
      if (!isOfLedger(one)) continue;
      host.asked ??= new AskedServers();
      host.asked.take(one, values[index]!, ahead, now);
      this.#pending.asked.add(host);
    }
  }

  /** A retired host that reports is back. */
  #heard(host: HostState): void {
    this.rows.beaten(host);
    if (host.retired === 0) return;
    host.retired = 0;
    this.#pending.changed.add(host);
    this.rows.regroup(host);
  }

  /** Notes a heartbeat's number, and how many are missing before it. */
  #count(host: HostState, sequence: number): void {
    const gap = sequence - host.sequence - 1;
    if (host.start === host.counted && gap > 0) this.counters.missed += host.pulse.missed(gap);
    host.sequence = sequence;
    host.counted = host.start;
  }

  #erred(host: HostState): void {
    this.#pending.changed.add(host);
    this.rows.unsettle(host);
  }

  #forgotten(host: HostState, now: number): void {
    this.counters.forgotten += 1;
    if (isOfHoldfast(host) && host.retired === 0 && host.pulse.heardOf > 1) this.#onLost(host);
    for (const id of host.series) this.series.release(id, now);
    this.#pending.forget(host);
    this.rows.forget(host);
  }

  /** The time of a point. Hosts' clocks are not trusted, so an impossible time is replaced by ours. */
  #believed(time: number, now: number): number {
    return time > now - this.#keep && time < now + CLOCK_TOLERANCE ? time : now;
  }

  /** The point that only Holdfast's heartbeats have. Such a request contains all series of the host. */
  #sequence(points: readonly OtlpPoint[]): OtlpPoint | null {
    return points.find(({ series }) => this.series.get(series)?.metric === 'holdfast.heartbeat.sequence') ?? null;
  }
}

function byTime(points: readonly OtlpPoint[]): Iterable<readonly [number, readonly OtlpPoint[]]> {
  const [first] = points;
  if (first === undefined) return [];
  if (points.every(({ time }) => time === first.time)) return [[first.time, points]];
  const groups = Map.groupBy(points, ({ time }) => time);
  return [...groups].sort(([a], [b]) => a - b);
}
