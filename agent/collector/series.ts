/**
 * Every series that a host has now: a metric with its attributes. Most hosts of a fleet share most of them. One that no host has
 * any more is remembered for an hour, in case it comes back; its name stays in the store for as long as values of it.
 */
import { type Attributes, cut, LIMITS, lengthOf, type SeriesIndex } from './otlp.ts';
import { Shares } from './shares.ts';

export interface Series {
  readonly id: number;
  readonly metric: string;
  /** UCUM. */
  readonly unit: string;
  /** Sorted by name. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** Of the whole fleet, where one of up to 256 characters counts as one; what exceeds it is refused, and the sender told. */
export const MOST_SERIES = 1_000_000;
const CHARACTERS = 256;
/** Of these so many are kept free for the next request. */
const FREE = 0.05;
/** Bytes of ways of writing the same attributes that are remembered: only a way of being quick. */
const MOST_KEYS = 256 * 2 ** 20;
/** Milliseconds that a series is remembered when no host has it any more. */
const GRACE = 3_600_000;

interface Entry extends Series {
  readonly name: string;
  readonly room: number;
  /** Hosts that have it. */
  holders: number;
  /** Of the sender of the host that had it first. */
  owner: string;
  /** It is stored, or will be with the next commit. */
  stored: boolean;
  dropped: boolean;
}

export class SeriesTable implements SeriesIndex {
  readonly shares = new Shares();
  /** By number. */
  readonly #all = new Map<number, Entry>();
  /** By metric, then by the bytes of the attributes. */
  #known = new Map<string, Map<string, Entry>>();
  #keyBytes = 0;
  readonly #canonical = new Map<string, Entry>();
  /** Those that no host has, the longest gone first, and since when. */
  readonly #idle = new Map<Entry, number>();
  #next = 0;
  #unsaved: (Series & { host: number })[] = [];
  #gone = new Map<number, number>();
  #room = 0;

  find(metric: string, unit: string, key: string, read: () => Attributes): number | null {
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

  /** As it was stored; `next`: the number that the next one is to have. */
  restore(all: Iterable<Series>, next: number, now: number): void {
    for (const series of all) {
      this.#put(series, canonical(series.metric, series.attributes), now).stored = true;
      this.#next = Math.max(this.#next, series.id + 1);
    }
    this.#next = Math.max(this.#next, next);
  }

  /** A host has it from now on. */
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

  /** Values of it are kept, though no host has it now. */
  keep(id: number, host: number): void {
    const entry = this.#all.get(id);
    if (entry !== undefined) this.#store(entry, host);
  }

  /** A host has it no longer. */
  release(id: number, now: number): void {
    const entry = this.#all.get(id);
    if (entry === undefined) return;
    entry.holders -= 1;
    if (entry.holders > 0) return;
    this.shares.add(entry.owner, -entry.room);
    this.#idle.set(entry, now);
  }

  /** Drops what no host has: all that has been so for long, and more where room is short. false: it is short even then. */
  tidy(now: number): boolean {
    const enough = MOST_SERIES * (1 - FREE);
    for (const [entry, since] of this.#idle) {
      if (this.#room <= enough && now - since < GRACE) break;
      this.#drop(entry, since);
    }
    return this.#room <= enough;
  }

  /** Those that are not stored yet, with the host that had each first. */
  unsaved(): readonly (Series & { readonly host: number })[] {
    return this.#unsaved;
  }

  /** Stored ones that were dropped, and since when no host has them. */
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

  #add(metric: string, unit: string, key: string, read: () => Attributes): number | null {
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
