/** Keeps the fleet within its bounds: completes old chunks, forgets silent hosts and old values, and makes room. */
import type { Census } from '../hosts/census.ts';
import type { HostState } from '../hosts/host-state.ts';
import { forgetErrors } from '../hosts/memory-error-counts.ts';
import type { Rows } from '../hosts/rows.ts';
import { LONGEST_WINDOW } from '../retire/retire-verdict.ts';
import type { SeriesTable } from '../series/series.ts';
import type { Store } from '../store/store.ts';
import type { Uncommitted } from '../store/uncommitted.ts';

/** Milliseconds after which a chunk is completed. */
const AGE_OF_CHUNK = 1_800_000;
/** The number of series that each sender is sure of, at the cost of the sender with the most. */
const GUARANTEED_SERIES = 20_000;

/** The parts of the fleet that are kept within bounds. */
interface Kept {
  readonly store: Store;
  /** The greatest age of a heartbeat, in milliseconds. */
  readonly keep: number;
  readonly census: Census;
  readonly pending: Uncommitted;
  readonly series: SeriesTable;
  readonly rows: Rows;
  commit(): void;
}

export class Upkeep {
  readonly #kept: Kept;
  /** The next host of `closeOld`. */
  #looked: Iterator<HostState> | null = null;

  constructor(kept: Kept) {
    this.#kept = kept;
  }

  /**
   * Called after each request, because even a refused request makes series. If there are too many, hosts are forgotten:
   * hosts heard only once go first. Each sender pays for its own series.
   */
  makeRoom(sender: string, now: number): void {
    const { census, series } = this.#kept;
    while (!series.tidy(now)) {
      const { shares } = series;
      const [largest = ''] = shares.ranked(1);
      const payer = shares.of(sender) > GUARANTEED_SERIES ? sender : largest;
      const once = census.hosts.heardOnce();
      const gone = once.length > 0 ? once : [census.hosts.oldest(payer)].filter((host) => host !== undefined);
      if (gone.length === 0) return;
      for (const host of gone) census.forget(host, now);
    }
  }

  /** Completes old chunks. Each call looks at a share of the hosts, because all at once would delay heartbeats. */
  closeOld(now: number, share = 1): void {
    const { census, pending } = this.#kept;
    const { hosts } = census;
    for (let left = Math.ceil(hosts.size * share); left > 0; left -= 1) {
      this.#looked ??= hosts[Symbol.iterator]();
      const { value: host, done } = this.#looked.next();
      if (done === true) {
        this.#looked = null;
        left += 1;
        continue;
      }
      if (!host.chunkOpen || now - host.opened <= AGE_OF_CHUNK) continue;
      pending.close(host);
      pending.journal.closed(host, now);
    }
  }

  /**
   * Drops journal rows that no open chunk needs, and hosts that were silent for longer than history is kept. Ages count
   * from `believed`, because our clock may be doubted.
   */
  tidy(now: number, believed = now): void {
    const { store, keep, census, pending, series, rows } = this.#kept;
    const { hosts, clones } = census;
    const asked = believed - Math.max(keep, LONGEST_WINDOW);
    for (const host of hosts) {
      host.asked?.forget(asked);
      if (believed - host.seen > keep) census.forget(host, now);
    }
    series.tidy(now);
    this.#kept.commit();
    let oldest = pending.journal.number;
    for (const host of hosts) if (host.chunkOpen) oldest = Math.min(oldest, host.journal);
    store.forgetJournal(oldest);
    store.ledgers.forgetAsked(asked);
    clones.tidy(now);
    for (const host of clones.all()) rows.unsettle(host); // its clones may have been forgotten by now
    for (const host of hosts) {
      if (host.memoryErrors.size === 0) continue;
      forgetErrors(host, now);
      rows.unsettle(host); // errors older than a day no longer count
    }
  }

  /** Adjusts stored times after our own clock was set by so many milliseconds. */
  shift(by: number): void {
    const { census, rows } = this.#kept;
    for (const host of census.hosts) {
      host.pulse.shift(by);
      host.opened += by;
      host.asked?.shift(by);
      host.speaker.shift(by);
      if (host.told !== null) host.told = { ...host.told, arrived: host.told.arrived + by };
    }
    rows.shift(by);
  }
}
