/** All places to look at, in the order in which an operator reads them. */
import { askedSource } from './asked-source.ts';
import { bootFilesSource, runningProgramSource } from './conf/conf-source.ts';
import { CONFIGURED_PROGRAMS } from './conf/list.ts';
import type { DependsSource } from './dependence.ts';
import { holdersSource } from './holders/holders-source.ts';
import { leasesSource } from './leases/leases-source.ts';
import { copiesSource } from './resolver/copies.ts';
import { resolvConfSource } from './resolver/resolv-conf-source.ts';
import { resolvconfRecordsSource } from './resolver/resolvconf-records.ts';
import { resolvedSource } from './resolver/resolved-source.ts';
import { routesSource } from './routes-source.ts';
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
    resolvconfRecordsSource(around),
    ...CONFIGURED_PROGRAMS.map((program) => bootFilesSource(around, program)),
    copiesSource(around),
    holdersSource(around),
  ];
}
