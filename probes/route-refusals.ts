/**
 * Counts refused routes by command. Emits an event for each process at once, then once a minute while refusals go on.
 */
import { freemem } from 'node:os';
import { visible } from '../agent/config/config-error.ts';
import type { Host } from '../agent/host/host.ts';
import { type MemoryLimit, memoryLimitOf } from '../agent/host/kernel/memory-limit.ts';
import { ipv6RouteLimit, type RouteLimit } from '../agent/host/kernel/route-limit.ts';
import { type ProcessDetails, processAt, sharesNetwork } from '../agent/host/process/details.ts';
import { knowsThreads, type RefusedKind, type RefusedRoute } from '../agent/host/trace/route-traces.ts';
import type { RouteFailureRecord } from './memory-errors/counts-record.ts';
import { type Occurrence, type Reading, sample } from './probe.ts';

/** Milliseconds between two events of the same process and error. */
const AGAIN = 60_000;
/** The most pairs of process and error at a time, and the most series of the counter. All further pairs are `other`. */
const MOST = 32;
/** The most processes to look up in /proc in one reading. */
const MOST_LOOKED_UP = 8;
/** A control group that uses this part of its limit is the likely cause. */
const FULL = 0.9;
const OTHER = 'other';

const ONE = { ipv4: 'an IPv4 route', ipv6: 'an IPv6 route', nexthop: 'a next hop' } as const;
const MANY = { ipv4: 'IPv4 routes', ipv6: 'IPv6 routes', nexthop: 'next hops' } as const;
const MEANING = { ENOMEM: 'out of memory', ENOBUFS: 'out of memory', ENOSPC: 'no space' } as const;

/** A process whose routes of one kind are refused with one error. */
interface Case {
  /** When its last event was emitted, by `#clock`. */
  readonly toldAt: number;
  readonly untold: number;
  readonly last: RefusedRoute;
  /** null if the process had ended before the look-up, or could not be looked up. */
  readonly details: ProcessDetails | null;
  /** The state right after the failure. */
  readonly limit: MemoryLimit | null;
}

export class Refusals {
  readonly #host: Pick<Host, 'sysctl' | 'run'>;
  readonly #record: RouteFailureRecord;
  readonly #clock: () => number;
  /** Refusals by thread, kind and error. */
  readonly #cases = new Map<string, Case>();
  #limit: RouteLimit | null | undefined;

  /** @param clock in milliseconds. */
  constructor(host: Pick<Host, 'sysctl' | 'run'>, record: RouteFailureRecord, clock = () => performance.now()) {
    this.#host = host;
    this.#record = record;
    this.#clock = clock;
  }

  /** Takes the refusals since the last reading. `lost` counts those that were overwritten before they were read. */
  add({ refused, lost }: { readonly refused: readonly RefusedRoute[]; readonly lost: number }): Reading[] {
    this.#record.lost += lost;
    const lookUp = refused.length > 0 && knowsThreads();
    const groups = Map.groupBy(refused, ({ thread, kind, error }) => `${thread} ${kind} ${error}`);
    for (const [index, [key, routes]] of [...groups].entries()) {
      const last = routes.at(-1)!;
      const details = lookUp && index < MOST_LOOKED_UP ? processAt(last.thread, last.time) : null;
      this.#count(details?.comm ?? last.comm, last, routes.length);
      const limit = details === null ? null : memoryLimitOf(details.pid);
      this.#note(key, { last, details, limit }, routes.length);
    }
    return [...this.#due().map(([key, due]) => this.#event(key, due)), ...this.#samples()];
  }

  #count(command: string, { kind, error }: RefusedRoute, count: number): void {
    const { totals } = this.#record;
    const known = [visible(command), kind, error].join('\n');
    const key = totals.has(known) || totals.size < MOST ? known : [OTHER, kind, error].join('\n');
    totals.set(key, (totals.get(key) ?? 0) + count);
  }

  #note(key: string, sight: Pick<Case, 'last' | 'details' | 'limit'>, count: number): void {
    const kept = this.#cases.has(key) || this.#cases.size < MOST ? key : OTHER;
    const before = this.#cases.get(kept) ?? { toldAt: Number.NEGATIVE_INFINITY, untold: 0 };
    this.#cases.set(kept, { ...before, ...sight, untold: before.untold + count });
  }

  /** Returns the events that are due, with their counts. Forgets refusals that have ended. */
  #due(): [string, Case][] {
    const now = this.#clock();
    const over = [...this.#cases].filter(([, { toldAt }]) => now - toldAt >= AGAIN);
    for (const [key, one] of over) {
      if (one.untold === 0) this.#cases.delete(key);
      else this.#cases.set(key, { ...one, toldAt: now, untold: 0 });
    }
    return over.filter(([, { untold }]) => untold > 0);
  }

  #event(key: string, { last, details, limit, untold: count }: Case): Occurrence {
    const { thread, comm, time, kind, error } = last;
    const elsewhere = details !== null && !sharesNetwork(details.pid);
    const name = details === null ? `${visible(comm)}[${thread}]` : `${visible(details.comm)}[${details.pid}]`;
    const facts = [
      ...(details?.unit ? [`unit ${visible(details.unit)}`] : []),
      ...(elsewhere ? ['in another network namespace'] : []),
    ];
    const one = facts.length === 0 ? name : `${name} (${facts.join(', ')})`;
    const who = key === OTHER ? `Further processes (the last was ${one})` : one;
    const what = count === 1 ? ONE[kind] : `${count} ${MANY[kind]}`;
    const causes = [...(limit === null ? [] : [byGroup(limit)]), ...this.#bySysctl(kind, elsewhere), byHost()];
    return {
      kind: 'event',
      name: 'holdfast.route_failure',
      severity: 'error',
      time,
      body: `${who} could not add ${what}: ${MEANING[error]} (${error}). ${causes.join(' ')}`,
      attributes: {
        'process.pid': details?.pid ?? thread,
        'process.executable.name': visible(details?.comm ?? comm),
        ...(details?.executable ? { 'process.executable.path': visible(details.executable) } : {}),
        ...(details?.unit ? { 'systemd.unit': visible(details.unit) } : {}),
        'network.type': kind,
        'error.type': error,
        count,
        ...(limit === null ? {} : { 'memory.limit': limit.limit, 'memory.used': limit.used }),
        ...(details === null ? {} : { 'network.namespace': elsewhere ? 'other' : 'own' }),
      },
    };
  }

  /** The limit's sentence. Starts a process to learn whether the limit is enforced: once, and only after a refusal. */
  #bySysctl(kind: RefusedKind, elsewhere: boolean): string[] {
    if (kind !== 'ipv6') return [];
    this.#limit ??= ipv6RouteLimit(this.#host);
    if (this.#limit?.enforced !== true) return [];
    const value = elsewhere
      ? 'has its own value in that network namespace'
      : `is ${this.#host.sysctl('net/ipv6/route/max_size')}`;
    return [`net.ipv6.route.max_size ${value}, and this kernel enforces it (${this.#limit.why}): raise it.`];
  }

  #samples(): Reading[] {
    const totals = [...this.#record.totals].map(([key, count]) => {
      const [command, kind, error] = key.split('\n') as [string, string, string];
      const attributes = { 'process.executable.name': command, 'network.type': kind, 'error.type': error };
      return sample('holdfast.route_failures', count, attributes);
    });
    return [...totals, sample('holdfast.route_failures.lost', this.#record.lost)];
  }
}

function byGroup({ group, limit, used }: MemoryLimit): string {
  const has = `Its control group ${visible(group)} has ${mebibytes(used)} of ${mebibytes(limit)}`;
  return used >= limit * FULL ? `${has}, very likely the cause: raise its limit (MemoryMax= of a unit).` : `${has}.`;
}

/** The memory that the host has available, as free(1) shows it. */
function byHost(): string {
  return `The host has ${mebibytes(freemem())} available.`;
}

function mebibytes(bytes: number): string {
  const number = bytes / 2 ** 20;
  return `${number < 100 ? number.toPrecision(3) : Math.round(number)} MiB`;
}
