/**
 * The time of the last query on each interface. For IGMP we listen; for MLD we compare the kernel's count between
 * looks. The daemon writes the heard queries to /run, so that `agent probe` beside it knows them too.
 */
import type { Family } from '../../agent/address/address.ts';
import { isMap } from '../../agent/config/plain-map.ts';
import type { Host } from '../../agent/host/host.ts';
import { hearIgmpQueries, type IgmpQuery, type QueryListening } from '../../agent/host/kernel/igmp-queries.ts';
import { type Joined, mldQueries } from '../../agent/host/kernel/multicast.ts';
import { Remembered } from '../remembered.ts';

/** Times are milliseconds since the boot, from process.hrtime, so setting the clock changes nothing. */
export interface Heard {
  /** When we began to listen. */
  readonly since: number;
  /** The last query; null if none was heard since then. */
  readonly at: number | null;
  /** For IGMP: the querier's version and address. */
  readonly version: 1 | 2 | 3 | null;
  readonly from: string | null;
}

interface Kept {
  /** The listening daemon. */
  readonly pid: number;
  readonly birth: string;
  readonly heard: Readonly<Record<string, Heard>>;
}

const FILE = 'multicast.json';
/** Milliseconds after which a listener that ended is started again. */
const AGAIN_AFTER = 60_000;

export function monotonic(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

export class QueryWatch {
  readonly #host: Host;
  readonly #listenTo: typeof hearIgmpQueries;
  readonly #kept: Remembered<Kept>;
  readonly #heard = new Map<string, Heard>();
  readonly #counts = new Map<string, number>();
  #listening: QueryListening | null = null;
  /** The interfaces that we listen to, with their indices: an interface that was made anew has another index. */
  #listened = '';
  #listenedSince = 0;

  constructor(host: Host, listen = hearIgmpQueries) {
    this.#host = host;
    this.#listenTo = listen;
    this.#kept = new Remembered(host, FILE, isKept);
  }

  /** Looks once, and listens from now on to the present interfaces. */
  async update(
    wanted: Readonly<Record<Family, readonly string[]>>,
    joined: Readonly<Record<Family, ReadonlyMap<string, Joined> | null>>,
    now = monotonic(),
  ): Promise<void> {
    await this.#listen(
      wanted.ipv4.filter((device) => joined.ipv4?.has(device)),
      joined.ipv4,
      now,
    );
    for (const device of wanted.ipv6) {
      const count = mldQueries(this.#host, device);
      if (count === null) this.#forget(device, 'ipv6');
      else {
        const before = this.#counts.get(device);
        if (before === undefined || count < before) this.#begin(device, 'ipv6', now);
        else if (count > before) this.#hear(device, 'ipv6', now, null);
        this.#counts.set(device, count);
      }
    }
    this.#save();
  }

  /** null if the interface is not watched, does not exist, or cannot be heard. */
  heard(device: string, family: Family): Heard | null {
    return family === 'ipv4' && this.deaf !== null ? null : (this.#heard.get(`${device} ${family}`) ?? null);
  }

  /** Why no IGMP is heard; null if it is heard. */
  get deaf(): string | null {
    return this.#listening?.deaf ?? null;
  }

  async close(): Promise<void> {
    await this.#listening?.close();
  }

  async #listen(devices: readonly string[], joined: ReadonlyMap<string, Joined> | null, now: number): Promise<void> {
    const key = devices.map((device) => `${device} ${joined?.get(device)?.index}`).join();
    const ended = this.#listening?.mayBegin === true && now - this.#listenedSince >= AGAIN_AFTER;
    if (key === this.#listened && !ended) return;
    await this.#listening?.close();
    this.#listened = key;
    this.#listenedSince = now;
    this.#listening = devices.length === 0 ? null : this.#listenTo(devices, (query) => this.#hearIgmp(query));
    for (const device of devices) this.#begin(device, 'ipv4', now);
  }

  #hearIgmp({ device, ...query }: IgmpQuery): void {
    this.#hear(device, 'ipv4', monotonic(), query);
    this.#save();
  }

  #begin(device: string, family: Family, now: number): void {
    this.#heard.set(`${device} ${family}`, { since: now, at: null, version: null, from: null });
  }

  #hear(device: string, family: Family, at: number, query: Omit<IgmpQuery, 'device'> | null): void {
    const { since } = this.#heard.get(`${device} ${family}`) ?? { since: at };
    this.#heard.set(`${device} ${family}`, { since, at, version: query?.version ?? null, from: query?.from ?? null });
  }

  #forget(device: string, family: Family): void {
    this.#heard.delete(`${device} ${family}`);
    this.#counts.delete(device);
  }

  #save(): void {
    const birth = this.#host.birthOf(process.pid);
    const heard = this.deaf === null ? this.#heard : [...this.#heard].filter(([key]) => !key.endsWith(' ipv4'));
    if (birth !== null) this.#kept.save({ pid: process.pid, birth, heard: Object.fromEntries(heard) });
  }
}

/** The queries that this host's running daemon has heard. */
export function heardByDaemon(host: Host): (device: string, family: Family) => Heard | null {
  const kept = new Remembered(host, FILE, isKept).load();
  if (kept === null || host.birthOf(kept.pid) !== kept.birth) return () => null;
  return (device, family) => kept.heard[`${device} ${family}`] ?? null;
}

function isKept(value: unknown): value is Kept {
  return (
    isMap(value) &&
    typeof value.pid === 'number' &&
    typeof value.birth === 'string' &&
    isMap(value.heard) &&
    Object.values(value.heard).every(isHeard)
  );
}

function isHeard(value: unknown): value is Heard {
  return isMap(value) && typeof value.since === 'number' && (value.at === null || typeof value.at === 'number');
}
