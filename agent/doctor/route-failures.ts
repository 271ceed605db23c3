/** Whether the daemon sees which process could not add a route: see probes/route-failures.ts. Nothing is tried. */
import { routeTraceMissing } from '../host/route-trace.ts';
import type { Seen, Surroundings } from './check.ts';

export function* routeFailures({ host }: Surroundings): Iterable<Seen> {
  if (!host.live || host.root !== '/') return;
  const missing = routeTraceMissing();
  const instead =
    'by the canary, the kernel’s log and counters, and the logs in probes.memory-errors.logs, not by process';
  yield {
    code: 'HF-ROUTE-FAILURES',
    seen:
      missing === null
        ? 'a route that any process could not add the kernel tells here, by kprobes, with the process'
        : `a route that another process could not add is known here only ${instead}: ${missing}`,
  };
}
