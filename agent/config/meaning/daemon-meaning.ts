/** A checked configuration → the daemon's settings. */
import type { DesiredDaemon } from '../desired-daemon.ts';
import { checkEndpoint } from '../notation/endpoint.ts';
import { groupAddress, SILENCE } from '../notation/multicast-groups.ts';
import { durationOf, sizeOf } from '../notation/quantities.ts';
import type { Config } from '../schema/config-schema.ts';
import { desiredConfirm } from './confirm-meaning.ts';

export function desiredDaemon({ report = {}, confirm, probes = {}, expect = {}, reload }: Config): DesiredDaemon {
  const endpoint = report.endpoint === undefined ? null : checkEndpoint(report.endpoint);
  return {
    ...(reload === undefined ? {} : { reload }),
    report: {
      enforce: report.enforce ?? true,
      interval: durationOf(report.interval ?? '30s') as number,
      endpoint: endpoint !== null && 'value' in endpoint ? endpoint.value : null,
      format: report.format ?? 'protobuf',
      spool: sizeOf(report.spool ?? '64MiB') as number,
      ca: report.ca ?? null,
      certificate: report.certificate ?? null,
      key: report.key ?? null,
      tokenFile: report['token-file'] ?? null,
      labels: report.labels ?? {},
    },
    confirm: confirm === undefined ? null : desiredConfirm(confirm, endpoint !== null),
    probes: {
      logs: probes['memory-errors']?.logs ?? [],
      journal: probes['memory-errors']?.journal ?? [],
      canary: durationOf(probes.canary?.interval ?? '60s') as number,
      off: probes.off ?? [],
    },
    expect: {
      defaultNexthops: expect.default?.nexthops ?? null,
      groups: (expect.groups ?? []).map(({ group, dev, silence }) => ({
        group: groupAddress(group)!,
        dev,
        silence: durationOf(silence ?? SILENCE) as number,
      })),
    },
  };
}
