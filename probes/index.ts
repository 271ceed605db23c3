/** The list of all probes. */
import { type ConfiguredState, isWhole } from '../agent/config/desired.ts';
import type { DesiredDaemon } from '../agent/config/desired-daemon.ts';
import type { Host } from '../agent/host/host.ts';
import { wishesOf } from '../agent/metadata/wishes.ts';
import { askedProbe } from './asked-probe.ts';
import { canaryProbe } from './canary-probe.ts';
import { defaultRoutesProbe } from './default-routes-probe.ts';
import { egressProbe } from './egress-probe.ts';
import { leasesProbe } from './leases-probe.ts';
import { limitsProbe } from './limits-probe.ts';
import { memoryCounters } from './memory-errors/counters.ts';
import type { MemoryErrorRecord } from './memory-errors/counts-record.ts';
import { kernelMemoryErrors } from './memory-errors/kernel.ts';
import { daemonMemoryErrors } from './memory-errors/logs.ts';
import { journalMemoryErrors } from './memory-errors/unit-messages.ts';
import { metadataProbe } from './metadata-probe.ts';
import { multicastProbe } from './multicast-probe.ts';
import { nameserversProbe } from './nameservers-probe.ts';
import { nearestProbe } from './nearest-probe.ts';
import { type Peaking, Peaks, withPeaks } from './peaks.ts';
import type { Probe } from './probe.ts';
import { routeAgreementProbe } from './route-agreement-probe.ts';
import { RouteCounts } from './route-counts.ts';
import { routeFailuresProbe } from './route-failures-probe.ts';
import { routesByProtocolProbe } from './routes-by-protocol-probe.ts';
import { routesProbe } from './routes-probe.ts';

/**
 * Makes the probes that are not switched off. They open, send and read nothing before their first reading.
 * @param record passes from the probes of one configuration to those of the next.
 * @param history true, for a single look: read logs back to their beginning. false, for a daemon: read only new lines.
 */
export function makeProbes(
  host: Host,
  desired: ConfiguredState,
  { probes, expect }: DesiredDaemon,
  { record, history }: { record: MemoryErrorRecord; history: boolean },
): Probe[] {
  const counts = new RouteCounts();
  const peaks = (metric: Peaking) => new Peaks(host, metric, { keep: !history });
  const all = [
    withPeaks(routesProbe(host), peaks('system.network.route.count')),
    withPeaks(routesByProtocolProbe(counts), peaks('system.network.route.table.count')),
    routeAgreementProbe(host, counts, record.routeDifferences),
    defaultRoutesProbe(host, expect.defaultNexthops),
    egressProbe(host),
    ...(probes.canary > 0 ? [{ ...canaryProbe(host), interval: probes.canary }] : []),
    kernelMemoryErrors(host, record, { history }),
    ...(probes.logs.length > 0 ? [daemonMemoryErrors(host, probes.logs, record, { history })] : []),
    ...(probes.journal.length > 0 ? [journalMemoryErrors(host, probes.journal, record, { history })] : []),
    memoryCounters(host, record),
    withPeaks(limitsProbe(host), peaks('system.network.limit.used')),
    routeFailuresProbe(host, record, { history }),
    leasesProbe(host, desired.dhclient),
    nameserversProbe(host, desired.dns),
    askedProbe(host, { lasting: !history }),
    ...(isWhole(desired) ? [] : [nearestProbe(host, desired)]),
    ...(wishesOf(desired).length === 0 ? [] : [metadataProbe(host, desired)]),
    multicastProbe(host, expect.groups, { lasting: !history }),
  ];
  return all.filter(({ name }) => !probes.off.some((off) => isNamed(name, off)));
}

/** Whether `name` means this probe: `memory-errors` also means `memory-errors.kernel` and the like. */
export function isNamed(probe: string, name: string): boolean {
  return probe === name || probe.startsWith(`${name}.`);
}
