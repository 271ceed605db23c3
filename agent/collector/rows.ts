/** The rows of all hosts, each made anew only when it is not true any more. */
import type { HostRow } from './api.ts';
import type { Clones } from './clones.ts';
import type { Host } from './host.ts';
import { makeRow } from './row.ts';
import type { SeriesTable } from './series.ts';

/** What became of the rows since the last time. */
export interface Settled {
  readonly changed: readonly HostRow[];
  /** Where only the time of the last heartbeat did change. */
  readonly beaten: readonly HostRow[];
  /** A host is new, or its name, its labels or what needs attention are others. */
  readonly regrouped: boolean;
}

export class Rows {
  readonly #hosts: Iterable<Host>;
  readonly #series: SeriesTable;
  readonly #clones: Clones;
  /** Since when we listen: nobody is silent for not having been heard before. Infinite: we do not listen now. */
  #since: number;
  readonly #onAttention: (host: Host) => void;
  readonly #rows = new Map<Host, HostRow>();
  readonly #unsettled = new Set<Host>();
  readonly #beaten = new Set<Host>();
  #regrouped = false;

  /** `hosts`: all there are, as they come. `onAttention` gets each host of which something else needs attention than before. */
  constructor(
    hosts: Iterable<Host>,
    series: SeriesTable,
    started: number,
    clones: Clones,
    onAttention: (host: Host) => void,
  ) {
    this.#hosts = hosts;
    this.#series = series;
    this.#since = started;
    this.#clones = clones;
    this.#onAttention = onAttention;
  }

  /** Since when we listen, by our clock; infinite: we do not, and nobody becomes silent. */
  listen(since: number): void {
    this.#since = since;
  }

  /** Our own clock was set, by so many milliseconds. */
  shift(by: number): void {
    this.#since += by;
  }

  /** It is no longer there. */
  forget(host: Host): void {
    this.#rows.delete(host);
    this.#unsettled.delete(host);
    this.#beaten.delete(host);
    this.#regrouped = true;
  }

  /** As of the last `settle`. */
  all(): Iterable<HostRow> {
    return this.#rows.values();
  }

  /** Those of these hosts that are still there, in their order, as of the last `settle`. */
  of(hosts: readonly Host[]): HostRow[] {
    return hosts.flatMap((host) => this.#rows.get(host) ?? []);
  }

  /** True now. */
  row(host: Host): HostRow {
    const row = this.#rows.get(host);
    if (row === undefined || this.#unsettled.has(host)) return this.#make(host, Date.now());
    return { ...row, lastSeen: host.seen };
  }

  /** A heartbeat came. */
  beaten(host: Host): void {
    this.#beaten.add(host);
  }

  /** Its row is not true any more, or there is none yet. */
  unsettle(host: Host): void {
    this.#unsettled.add(host);
  }

  /** Its name or its labels may be others, too. */
  regroup(host: Host): void {
    this.#unsettled.add(host);
    this.#regrouped = true;
  }

  /** Makes the rows that are not true any more. */
  settle(now: number): Settled {
    for (const host of this.#hosts) {
      if (this.#silent(host, now) !== host.attention.has('silent')) this.#unsettled.add(host);
      host.pulse.judge(now);
      if ((host.pulse.skew !== null) !== host.attention.has('clock')) this.#unsettled.add(host);
    }
    const changed = [...this.#unsettled].map((host) => this.#make(host, now));
    const beaten: HostRow[] = [];
    for (const host of this.#beaten) {
      if (this.#unsettled.has(host)) continue;
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

  #make(host: Host, now: number): HostRow {
    const before = JSON.stringify([...host.attention]);
    const duplicate = this.#clones.sentence(host, now);
    const row = makeRow(host, this.#series, { silent: this.#silent(host, now), duplicate }, now);
    host.attention = new Map(row.attention.map(({ code, since }) => [code, since]));
    const needsOther = JSON.stringify([...host.attention]) !== before;
    if (needsOther) this.#onAttention(host);
    if (needsOther || !this.#rows.has(host)) this.#regrouped = true;
    this.#rows.set(host, row);
    return row;
  }

  /** While we do not listen, it is as it was. */
  #silent(host: Host, now: number): boolean {
    if (this.#since === Number.POSITIVE_INFINITY) return host.attention.has('silent');
    return host.pulse.silent(this.#since, now);
  }
}
