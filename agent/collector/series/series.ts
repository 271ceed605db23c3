/**
 * Every series of any host: a metric with its attributes. Most hosts of a fleet share most series. A series without a
 * host is remembered for an hour, in case it comes back. Its name stays in the store as long as its values.
 */
import { Shares } from '../admission/shares.ts';
import { cut, LIMITS, lengthOf, type OtlpAttributes, type SeriesIndex } from '../wire/otlp.ts';

export interface Series {
  readonly id: number;
  readonly metric: string;
  /** UCUM. */
  readonly unit: string;
  /** Sorted by name. */
  readonly attributes: Readonly<Record<string, string>>;
}

/**
 * The most series of the whole fleet. A series of up to 256 characters counts as one. More are refused, and the answer
 * says so.
 */
export const MOST_SERIES = 1_000_000;
const CHARACTERS = 256;
/** The number of series kept free for the next request. */
const FREE = 0.05;
/** Bytes of a cache of known spellings of attributes, which only saves time. */
const MOST_KEYS = 256 * 2 ** 20;
/** Milliseconds for which a series without a host is remembered. */
const GRACE = 3_600_000;

interface Entry extends Series {
  readonly name: string;
  readonly room: number;
  /** The number of hosts that have the series. */
  holders: number;
  /** The sender of the first host that had the series. */
  owner: string;
  /** True if the series is stored, or will be with the next commit. */
  stored: boolean;
  dropped: boolean;
}

export class SeriesTable implements SeriesIndex {
  readonly shares = new Shares();
  /** Series by number. */
  readonly #all = new Map<number, Entry>();
  /** Series by metric, and below the metric by the bytes of the attributes. */
  #known = new Map<string, Map<string, Entry>>();
  #keyBytes = 0;
  readonly #canonical = new Map<string, Entry>();
  /** Series without a host and the time since then, the longest first. */
  readonly #idle = new Map<Entry, number>();
  #next = 0;
  #unsaved: (Series & { host: number })[] = [];
  #gone = new Map<number, number>();
  #room = 0;

  find(metric: string, unit: string, key: string, read: () => OtlpAttributes): number | null {
    const known = this.#known.get(metric)?.get(key);
    if (known !== undefined && !known.dropped) return known.id;
    return this.#add(metric, unit, key, read);
  }

  get(id: number): Series | undefined {
    return this.#all.get(id);
  }

  get size(): number {
    return this.#all.size;
  }

  /** Loads a stored series. `next` is the number of the next new series. */
  restore(all: Iterable<Series>, next: number, now: number): void {
    for (const series of all) {
      this.#put(series, canonical(series.metric, series.attributes), now).stored = true;
      this.#next = Math.max(this.#next, series.id + 1);
    }
    this.#next = Math.max(this.#next, next);
  }

  /** Notes that a host gained the series. */
  hold(id: number, { id: host, sender }: { readonly id: number; readonly sender: string }): void {
    const entry = this.#all.get(id);
    if (entry === undefined) return;
    if (entry.holders === 0) {
      this.#idle.delete(entry);
      entry.owner = sender;
      this.shares.add(sender, entry.room);
    }
    entry.holders += 1;
    this.#store(entry, host);
  }

  /** Notes that values of the series are stored although no host has it. */
  keep(id: number, host: number): void {
    const entry = this.#all.get(id);
    if (entry !== undefined) this.#store(entry, host);
  }

  /** Notes that a host lost the series. */
  release(id: number, now: number): void {
    const entry = this.#all.get(id);
    if (entry === undefined) return;
    entry.holders -= 1;
    if (entry.holders > 0) return;
    this.shares.add(entry.owner, -entry.room);
    this.#idle.set(entry, now);
  }

  /** Drops series without a host for long, and more if room is short. Returns false if room is still short. */
  tidy(now: number): boolean {
    const enough = MOST_SERIES * (1 - FREE);
    for (const [entry, since] of this.#idle) {
      if (this.#room <= enough && now - since < GRACE) break;
      this.#drop(entry, since);
    }
    return this.#room <= enough;
  }

  /** The series that are not stored yet, each with its first host. */
  unsaved(): readonly (Series & { readonly host: number })[] {
    return this.#unsaved;
  }

  /** Stored series that were dropped, and the time since when no host has them. */
  gone(): ReadonlyMap<number, number> {
    return this.#gone;
  }

  saved(): void {
    if (this.#unsaved.length > 0) this.#unsaved = [];
    if (this.#gone.size > 0) this.#gone = new Map();
  }

  #store(entry: Entry, host: number): void {
    if (entry.stored) return;
    entry.stored = true;
    const { id, metric, unit, attributes } = entry;
    this.#unsaved.push({ id, metric, unit, attributes, host });
  }

  #add(metric: string, unit: string, key: string, read: () => OtlpAttributes): number | null {
    if (metric === '' || metric.length > LIMITS.metricName || key.length > 4 * LIMITS.seriesText) return null;
    const all = read();
    if (lengthOf(all) > LIMITS.seriesText) return null;
    const pairs = Object.entries(all).map(([name, value]) => [name, String(value)] as const);
    const attributes = Object.fromEntries(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
    const name = canonical(metric, attributes);
    let entry = this.#canonical.get(name);
    if (entry === undefined) {
      if (this.#room >= MOST_SERIES) return null;
      entry = this.#put({ id: this.#next, metric, unit: cut(unit, LIMITS.attributeKey), attributes }, name, 0);
      this.#next += 1;
    }
    this.#remember(metric, key, entry);
    return entry.id;
  }

  #put(series: Series, name: string, now: number): Entry {
    const room = 1 + Math.floor(name.length / CHARACTERS);
    const entry = { ...series, name, room, holders: 0, owner: '', stored: false, dropped: false };
    this.#all.set(series.id, entry);
    this.#canonical.set(name, entry);
    this.#idle.set(entry, now);
    this.#room += room;
    return entry;
  }

  #drop(entry: Entry, since: number): void {
    entry.dropped = true;
    this.#all.delete(entry.id);
    this.#canonical.delete(entry.name);
    this.#idle.delete(entry);
    this.#room -= entry.room;
    if (entry.stored) this.#gone.set(entry.id, since);
  }

  #remember(metric: string, key: string, entry: Entry): void {
    if (this.#keyBytes >= MOST_KEYS) {
      this.#known = new Map();
      this.#keyBytes = 0;
    }
    this.#keyBytes += key.length + entry.name.length;
    const keys = this.#known.get(metric);
    if (keys === undefined) this.#known.set(metric, new Map([[key, entry]]));
    else keys.set(key, entry);
  }
}

function canonical(metric: string, attributes: Readonly<Record<string, string>>): string {
  return `${metric}\n${JSON.stringify(attributes)}`;
}
