/**
 * Who asked which name server, first and last, as the ledger of each host counts it. The ledger forgets an asker after a
 * day; the collector remembers it as long as events.
 */
import type { Series } from '../series/series.ts';
import { cut } from '../wire/otlp.ts';
import { addressValue } from './address-value.ts';

/** One asker of one server. Times are milliseconds since the epoch by our clock. */
export interface Asked {
  /** In the form of `addressValue`. */
  readonly server: string;
  /** The unit or container; '' if the host does not know it. */
  readonly unit: string;
  readonly user: string;
  first: number;
  last: number;
  /** `last` as it is stored; 0 if nothing is stored yet. */
  stored: number;
}

const LAST = 'holdfast.nameserver.last_asked';
const SINCE = 'holdfast.nameserver.ledger_since';
/** The most askers of one host, and characters of a unit's or a user's name. */
const MOST = 256;
const LONGEST = 200;
/** Milliseconds until a later `last` is stored: hosts ask all the time, and the last heartbeat is stored anyway. */
const STORE_AFTER = 3_600_000;

interface Asker {
  readonly key: string;
  readonly server: string;
  readonly unit: string;
  readonly user: string;
}

/** The asker of each series, so that equal hosts share its texts; null for a series without a server's address. */
const askers = new WeakMap<Series, Asker | null>();

export class AskedServers {
  readonly #all = new Map<string, Asked>();
  /** Askers whose last time must be stored now. */
  readonly #changed = new Set<Asked>();
  /**
   * When the ledger that runs began, by our clock; null if none runs. A ledger that counts only some servers has one
   * time for each of them.
   */
  readonly since = new Map<string, number>();
  /** Askers until this time were dropped, because there were too many; 0 if none was. */
  lost = 0;

  [Symbol.iterator](): Iterator<Asked> {
    return this.#all.values();
  }

  get size(): number {
    return this.#all.size;
  }

  /** Since when the host counts who asks this server; null if it does not. */
  watchedSince(server: string): number | null {
    return this.since.get('') ?? this.since.get(server) ?? null;
  }

  /**
   * Takes a changed value of one of the ledger's series; NaN if the series is gone. `ahead`: milliseconds by which the
   * host's clock is ahead of ours. Returns whether the verdict on a server may differ now.
   */
  take(series: Series, value: number, ahead: number, now: number): boolean {
    if (series.metric === SINCE) return this.#watch(series, value, ahead, now);
    const asker = askerOf(series);
    if (asker === null) return false;
    if (Number.isNaN(value)) {
      const known = this.#all.get(asker.key);
      if (known !== undefined && known.last > known.stored) this.#changed.add(known);
      return false;
    }
    const time = Math.min(now, value * 1_000 - ahead);
    return this.#note(asker, time, time);
  }

  /** Loads a stored asker. */
  restore(server: string, unit: string, user: string, first: number, last: number): void {
    const key = JSON.stringify([server, unit, user]);
    this.#all.set(key, { server, unit, user, first, last, stored: last });
  }

  /** Forgets askers that asked nothing since `time`. */
  forget(time: number): void {
    for (const [key, { last }] of this.#all) if (last < time) this.#all.delete(key);
  }

  /** Askers to store. Call `saved` when that succeeded. */
  unsaved(): Iterable<Asked> {
    return this.#changed;
  }

  saved(): void {
    for (const asked of this.#changed) asked.stored = asked.last;
    this.#changed.clear();
  }

  /** Adjusts times after our own clock was set by so many milliseconds. */
  shift(by: number): void {
    for (const asked of this.#all.values()) {
      asked.first += by;
      asked.last += by;
    }
    for (const [server, since] of this.since) this.since.set(server, since + by);
    if (this.lost > 0) this.lost += by;
  }

  #watch({ attributes }: Series, value: number, ahead: number, now: number): boolean {
    const server = attributes.server === undefined ? '' : addressValue(attributes.server);
    if (server === null) return false;
    if (Number.isNaN(value)) return this.since.delete(server);
    if (this.since.size >= MOST && !this.since.has(server)) return false;
    this.since.set(server, Math.min(now, value * 1_000 - ahead));
    return true;
  }

  #note(asker: Asker, first: number, last: number): boolean {
    const { key, server, unit, user } = asker;
    const known = this.#all.get(key);
    if (known === undefined) {
      if (this.#all.size >= MOST) this.#drop();
      const asked = { server, unit, user, first, last, stored: 0 };
      this.#all.set(key, asked);
      this.#changed.add(asked);
      return true;
    }
    if (last <= known.last) return false;
    known.last = last;
    if (last - known.stored >= STORE_AFTER) this.#changed.add(known);
    return true;
  }

  /** Drops the asker that has been quiet for the longest. */
  #drop(): void {
    let oldest: [string, Asked] | null = null;
    for (const pair of this.#all) if (oldest === null || pair[1].last < oldest[1].last) oldest = pair;
    if (oldest === null) return;
    const [key, asked] = oldest;
    this.#all.delete(key);
    this.#changed.delete(asked);
    this.lost = Math.max(this.lost, asked.last);
  }
}

export function isOfLedger(series: Series | undefined): series is Series {
  return series?.metric === LAST || series?.metric === SINCE;
}

function askerOf(series: Series): Asker | null {
  const known = askers.get(series);
  if (known !== undefined) return known;
  const { server: address = '', unit = '', user = '' } = series.attributes;
  const server = addressValue(address);
  const [shortUnit, shortUser] = [cut(unit, LONGEST), cut(user, LONGEST)];
  const key = JSON.stringify([server, shortUnit, shortUser]);
  const asker = server === null ? null : { key, server, unit: shortUnit, user: shortUser };
  askers.set(series, asker);
  return asker;
}
