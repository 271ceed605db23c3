/** All places to look at, in the order in which an operator reads them. */
import { askedSource } from './asked.ts';
import { CONFIGURED_PROGRAMS } from './conf/list.ts';
import { bootFilesSource, runningProgramSource } from './conf/source.ts';
import { copiesSource } from './copies.ts';
import type { DependsSource } from './dependence.ts';
import { holdersSource } from './holders/source.ts';
import { leasesSource } from './leases/source.ts';
import { resolvConfSource } from './resolv-conf.ts';
import { resolvedSource } from './resolved.ts';
import { routesSource } from './routes.ts';
import type { Surroundings } from './surroundings.ts';

export function dependsSources(around: Surroundings): DependsSource[] {
  const running = CONFIGURED_PROGRAMS.filter(({ daemons }) => daemons !== undefined);
  return [
    resolvConfSource(around),
    resolvedSource(around),
    routesSource(around),
    ...running.map((program) => runningProgramSource(around, program)),
    ...(around.host.live ? [askedSource(around.host)] : []),
    leasesSource(around),
    ...CONFIGURED_PROGRAMS.map((program) => bootFilesSource(around, program)),
    copiesSource(around),
    holdersSource(around),
  ];
}
