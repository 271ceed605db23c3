/** The rows of all hosts. A row is made anew only after a change. */
import type { HostRow } from '../api.ts';
import type { SeriesTable } from '../series/series.ts';
import type { Clones } from './clones.ts';
import type { HostState } from './host-state.ts';
import { makeRow } from './row.ts';

/** Changes of the rows since the last call. */
export interface Settled {
  readonly changed: readonly HostRow[];
  /** Rows where only the time of the last heartbeat changed. */
  readonly beaten: readonly HostRow[];
  /** True if a host is new, or its name, labels, attention, or provisional or unseen change is another. */
  readonly regrouped: boolean;
}

export class Rows {
  readonly #hosts: Iterable<HostState>;
  readonly #series: SeriesTable;
  readonly #clones: Clones;
  /** The time since when we listen; earlier silence does not count. Infinite while we do not listen. */
  #since: number;
  readonly #onAttention: (host: HostState) => void;
  readonly #rows = new Map<HostState, HostRow>();
  readonly #unsettled = new Set<HostState>();
  readonly #beaten = new Set<HostState>();
  #regrouped = false;

  /** `hosts` has all hosts. `onAttention` gets each host whose attention changed. */
  constructor(
    hosts: Iterable<HostState>,
    series: SeriesTable,
    started: number,
    clones: Clones,
    onAttention: (host: HostState) => void,
  ) {
    this.#hosts = hosts;
    this.#series = series;
    this.#since = started;
    this.#clones = clones;
    this.#onAttention = onAttention;
  }

  /** Sets the time since when we listen, by our clock. If infinite, we do not listen, and no host becomes silent. */
  listen(since: number): void {
    this.#since = since;
  }

  /** Adjusts times after our own clock was set by so many milliseconds. */
  shift(by: number): void {
    this.#since += by;
  }

  /** Removes the row of a host. */
  forget(host: HostState): void {
    this.#rows.delete(host);
    this.#unsettled.delete(host);
    this.#beaten.delete(host);
    this.#regrouped = true;
  }

  /** All rows, as of the last `settle`. */
  all(): Iterable<HostRow> {
    return this.#rows.values();
  }

  /** The rows of the given hosts that still exist, in the given order, as of the last `settle`. */
  of(hosts: readonly HostState[]): HostRow[] {
    return hosts.flatMap((host) => this.#rows.get(host) ?? []);
  }

  /** The present row of a host. */
  row(host: HostState): HostRow {
    const row = this.#rows.get(host);
    if (row === undefined || this.#unsettled.has(host)) return this.#make(host, Date.now());
    return { ...row, lastSeen: host.seen };
  }

  /** Notes a heartbeat. */
  beaten(host: HostState): void {
    this.#beaten.add(host);
  }

  /** Notes that a host's row is outdated or missing. */
  unsettle(host: HostState): void {
    this.#unsettled.add(host);
  }

  /** The same as `unsettle`, if the host's name or labels may also have changed. */
  regroup(host: HostState): void {
    this.#unsettled.add(host);
    this.#regrouped = true;
  }

  /** Makes outdated rows anew. */
  settle(now: number): Settled {
    for (const host of this.#hosts) {
      if (host.retired > 0) continue;
      if (this.#silent(host, now) !== host.attention.has('silent')) this.#unsettled.add(host);
      host.pulse.judge(now);
      if ((host.pulse.skew !== null) !== host.attention.has('clock')) this.#unsettled.add(host);
    }
    const present = [...this.#unsettled].filter(({ retired }) => retired === 0);
    const changed = present.map((host) => this.#make(host, now));
    const beaten: HostRow[] = [];
    for (const host of this.#beaten) {
      if (this.#unsettled.has(host) || host.retired > 0) continue;
      const row = { ...this.#rows.get(host)!, lastSeen: host.seen };
      this.#rows.set(host, row);
      beaten.push(row);
    }
    this.#unsettled.clear();
    this.#beaten.clear();
    const regrouped = this.#regrouped;
    this.#regrouped = false;
    return { changed, beaten, regrouped };
  }

  #make(host: HostState, now: number): HostRow {
    const before = JSON.stringify([...host.attention]);
    const duplicate = this.#clones.sentence(host, now);
    const row = makeRow(host, this.#series, { silent: this.#silent(host, now), duplicate }, now);
    host.attention = new Map(row.attention.map(({ code, since }) => [code, since]));
    const needsOther = JSON.stringify([...host.attention]) !== before;
    if (needsOther) this.#onAttention(host);
    const former = this.#rows.get(host);
    if (
      needsOther ||
      former === undefined ||
      former.provisional !== row.provisional ||
      former.unseen?.change !== row.unseen?.change
    )
      this.#regrouped = true;
    this.#rows.set(host, row);
    return row;
  }

  /** Whether the host is silent. The answer stays the same while we do not listen. */
  #silent(host: HostState, now: number): boolean {
    if (this.#since === Number.POSITIVE_INFINITY) return host.attention.has('silent');
    return host.pulse.silent(this.#since, now);
  }
}
