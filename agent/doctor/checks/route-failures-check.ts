/** Whether the daemon can see which process could not add a route (probes/route-failures-probe.ts). Makes no trial. */
import { routeTraceMissing } from '../../host/trace/route-traces.ts';
import type { DoctorObservation, DoctorSurroundings } from '../doctor-check.ts';

export function* routeFailuresCheck({ host }: DoctorSurroundings): Iterable<DoctorObservation> {
  if (!host.live || host.root !== '/') return;
  const missing = routeTraceMissing();
  yield {
    code: 'HF-ROUTE-FAILURES',
    seen:
      missing === null
        ? 'the daemon sees every route that the kernel refuses, and names the process, by kprobes'
        : `the daemon cannot name the process whose route the kernel refused: ${missing}. It sees refused routes only by the canary, the kernel’s log and counters, and what probes.memory-errors names (logs, journal)`,
  };
}
