/**
 * Routes that any process could not add for want of memory, named without its log: as the kernel sees them
 * (agent/host/route-trace.ts). Only the daemon can see them, as they happen; a single look says whether it can be seen here.
 */
import { errorMessage } from '../agent/host/errors.ts';
import { type Host, notOfTheseFiles } from '../agent/host/host.ts';
import { REFUSED_KINDS, type RefusedKind, RouteTrace, routeTraceMissing } from '../agent/host/route-trace.ts';
import type { MemoryErrorRecord } from './memory-errors/record.ts';
import { type Probe, type Reading, sample } from './probe.ts';
import { Refusals } from './route-refusals.ts';

/** Milliseconds: a reading that finds nothing is one system call, and a process that failed may soon be gone. */
const INTERVAL = 1_000;
/** Milliseconds until it is tried again where it was not possible. */
const RETRY = 300_000;

/** @param history true: a single look, which cannot see what happened before. */
export function routeFailuresProbe(
  host: Pick<Host, 'live' | 'root' | 'sysctl' | 'run'>,
  record: MemoryErrorRecord,
  { history }: { history: boolean },
): Probe {
  let watching: { readonly trace: RouteTrace; readonly refusals: Refusals } | null = null;
  /** Why nobody is watching. */
  let reason = '';
  let retryAt = Number.NEGATIVE_INFINITY;

  const end = () => {
    watching?.trace.close();
    watching = null;
  };

  const begin = () => {
    retryAt = performance.now() + RETRY;
    reason = host.live && host.root === '/' ? (routeTraceMissing() ?? '') : notOfTheseFiles();
    if (reason !== '' || history) return;
    try {
      watching = { trace: new RouteTrace(), refusals: new Refusals(host, record.routeFailures) };
    } catch (error) {
      reason = errorMessage(error);
    }
  };

  return {
    name: 'route-failures',
    cost: 'constant',
    interval: INTERVAL,
    async read(): Promise<Reading[]> {
      if (watching === null && performance.now() >= retryAt) begin();
      if (watching === null) return REFUSED_KINDS.map((kind) => available(kind, reason));
      try {
        const { trace, refusals } = watching;
        const seen = REFUSED_KINDS.map((kind) => available(kind, trace.missing.get(kind) ?? ''));
        return [...seen, ...refusals.add(trace.take())];
      } catch (error) {
        end(); // tracefs went away: made anew, as soon as it may be tried again
        throw error;
      }
    },
    async close() {
      end();
    },
  };
}

/** @param reason why not; empty: it is. */
function available(kind: RefusedKind, reason: string): Reading {
  const attributes = { 'network.type': kind, ...(reason === '' ? {} : { reason }) };
  return sample('holdfast.route_failures.available', reason === '' ? 1 : 0, attributes);
}
