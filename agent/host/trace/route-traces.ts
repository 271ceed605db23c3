/**
 * Records which threads' routes the kernel refused for lack of memory, for every thread on the host. It uses return
 * probes on the kernel's functions that add a route, in a tracefs instance of our own. A filter in the kernel passes
 * only such refusals.
 */
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { errorCode, errorMessage } from '../errors.ts';
import { procLink } from '../process/proc.ts';
import {
  addKprobe,
  findKprobes,
  removeKprobe,
  removeStale,
  type Taken,
  TraceInstance,
  type TraceRecord,
} from './tracefs.ts';

/** `nexthop`: a nexthop object, which routes then refer to (ip-nexthop(8)). */
export const REFUSED_KINDS = ['ipv4', 'ipv6', 'nexthop'] as const;
export type RefusedKind = (typeof REFUSED_KINDS)[number];

/** Errors of errno(3): memory of the kernel, of a control group or of a table is used up. */
const REFUSALS = ['ENOMEM', 'ENOBUFS', 'ENOSPC'] as const;
export type TracedRefusal = (typeof REFUSALS)[number];

/** One route that was not added. */
export interface RefusedRoute extends Pick<TraceRecord, 'thread' | 'comm' | 'time'> {
  readonly kind: RefusedKind;
  readonly error: TracedRefusal;
}

interface Point {
  readonly kind: RefusedKind;
  readonly name: string;
  /**
   * The outermost kernel function that adds a route. It runs in the thread that asked, and its result covers all that
   * it calls.
   */
  readonly where: string;
}

/**
 * The functions behind netlink (RTM_NEWROUTE, RTM_NEWNEXTHOP) and ioctl (SIOCADDRT). Inner functions are not probed:
 * they also add the routes of router advertisements, in whatever process the advertisement interrupts.
 */
const POINTS: readonly Point[] = [
  { kind: 'ipv4', name: 'route4', where: 'inet_rtm_newroute' },
  { kind: 'ipv6', name: 'route6', where: 'inet6_rtm_newroute' },
  { kind: 'nexthop', name: 'nexthop', where: 'rtm_new_nexthop' }, // Linux 5.3
  { kind: 'ipv4', name: 'ioctl4', where: 'ip_rt_ioctl' },
  { kind: 'ipv6', name: 'ioctl6', where: 'ipv6_route_ioctl' },
];
const INSTANCE = 'routes';
/** Kilobytes a CPU: some 1,500 records. */
const BUFFER = 64;
/** The PID namespace that the kernel counts in: PROC_PID_INIT_INO of include/linux/proc_ns.h. */
const FIRST_PID_NAMESPACE = 'pid:[4026531836]';

/**
 * Why refused routes of other programs are not visible here, as far as we can tell without a trial; null if they are
 * visible.
 */
export function routeTraceMissing(): string | null {
  const found = findKprobes();
  return 'reason' in found ? found.reason : null;
}

/** Whether thread numbers in the records are those of our /proc. */
export function knowsThreads(): boolean {
  return procLink('self', 'ns/pid') === FIRST_PID_NAMESPACE;
}

export class RouteTrace {
  readonly #tracefs: string;
  readonly #instance: TraceInstance;
  /** The kinds that are not visible, and why: some kernels have no nexthop objects, or no IPv6. */
  readonly missing: ReadonlyMap<RefusedKind, string>;

  /** Throws an Error with a short reason if this host cannot trace routes. Removes the traces of a killed process. */
  constructor() {
    const found = findKprobes();
    if ('reason' in found) throw new Error(found.reason);
    this.#tracefs = found.folder;
    removeStale(this.#tracefs);
    this.#instance = makeInstance(this.#tracefs);
    const missing = new Map<RefusedKind, string>();
    for (const point of POINTS) {
      try {
        this.#probe(point);
      } catch (error) {
        // Hardly any program adds routes by ioctl, so a missing probe there is not reported.
        if (!point.name.startsWith('ioctl'))
          missing.set(point.kind, `${point.where} cannot be watched (${errorMessage(error)})`);
      }
    }
    this.missing = missing;
    if (missing.size < REFUSED_KINDS.length) return;
    this.close();
    throw new Error([...missing.values()].join('; '));
  }

  /** Refusals since the last call, and how many records were overwritten before we read them. Never waits. */
  take(): { readonly refused: RefusedRoute[]; readonly lost: number } {
    return refusedRoutes(this.#instance.take());
  }

  close(): void {
    this.#instance.close();
    for (const { name } of POINTS) removeKprobe(this.#tracefs, name);
  }

  #probe({ name, where }: Point): void {
    addReturnProbe(this.#tracefs, name, where);
    this.#instance.enable(name, REFUSALS.map((error) => `ret == ${-constants.errno[error]}`).join(' || '));
  }
}

/** One instance is enough for this kernel, containers included: the first agent reports what it sees. */
function makeInstance(tracefs: string): TraceInstance {
  try {
    return new TraceInstance(tracefs, INSTANCE, BUFFER);
  } catch (error) {
    if (errorCode(error) === 'EEXIST') throw new Error('another agent on this kernel sees it already');
    throw new Error(`the kernel refuses an instance of tracefs (${errorMessage(error)})`);
  }
}

/**
 * A compiler may append to a function's symbol (`.isra.0`). The list of traceable functions has the full names
 * (ftrace.rst).
 */
function addReturnProbe(tracefs: string, name: string, where: string): void {
  const add = (symbol: string) => addKprobe(tracefs, name, `${symbol} ret=$retval:s32`, 'return');
  try {
    add(where);
  } catch (error) {
    const functions = attempt(() => readFileSync(join(tracefs, 'available_filter_functions'), 'latin1'));
    const symbol = new RegExp(`^${where}\\.(?!cold)[\\w.]+`, 'm').exec(functions ?? '')?.[0];
    if (symbol === undefined) throw error;
    add(symbol);
  }
}

function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

/** `: (rtnetlink_rcv_msg+0x13f/0x360 <- inet_rtm_newroute) ret=-12` */
export function refusedRoutes({ records, lost }: Taken): { refused: RefusedRoute[]; lost: number } {
  const refused = records.flatMap(({ thread, comm, time, event, text }) => {
    const kind = POINTS.find(({ name }) => name === event)?.kind;
    const error = errorOf(/ ret=(-\d+)$/.exec(text)?.[1]);
    return kind === undefined || error === undefined ? [] : [{ thread, comm, time, kind, error }];
  });
  return { refused, lost };
}

function errorOf(result: string | undefined): TracedRefusal | undefined {
  return REFUSALS.find((name) => -constants.errno[name] === Number(result));
}
