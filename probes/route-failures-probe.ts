/**
 * Names processes that could not add routes because memory was short, without their logs, by the kernel's tracing
 * (agent/host/trace/route-traces.ts). Only the daemon sees failures, as they happen. A single look reports whether they can
 * be seen.
 */
import { errorMessage } from '../agent/host/errors.ts';
import { type Host, notOfTheseFiles } from '../agent/host/host.ts';
import { REFUSED_KINDS, type RefusedKind, RouteTrace, routeTraceMissing } from '../agent/host/trace/route-traces.ts';
import type { MemoryErrorRecord } from './memory-errors/counts-record.ts';
import { type Probe, type Reading, sample } from './probe.ts';
import { Refusals } from './route-refusals.ts';

/** Milliseconds between readings. An empty reading is one system call, and a process that failed may end soon. */
const INTERVAL = 1_000;
/** Milliseconds until tracing is tried again after the kernel refused it. */
const RETRY = 300_000;

/** @param history true for a single look, which cannot see earlier failures. */
export function routeFailuresProbe(
  host: Pick<Host, 'live' | 'root' | 'sysctl' | 'run'>,
  record: MemoryErrorRecord,
  { history }: { history: boolean },
): Probe {
  let watching: { readonly trace: RouteTrace; readonly refusals: Refusals } | null = null;
  /** Why tracing is off; empty if it is on. */
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
        end(); // tracefs was unmounted; the trace is made anew at the next try
        throw error;
      }
    },
    async close() {
      end();
    },
  };
}

/** @param reason why tracing is off; empty if it is on. */
function available(kind: RefusedKind, reason: string): Reading {
  const attributes = { 'network.type': kind, ...(reason === '' ? {} : { reason }) };
  return sample('holdfast.route_failures.available', reason === '' ? 1 : 0, attributes);
}
