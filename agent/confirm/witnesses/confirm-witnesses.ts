/** All witnesses of a trial, by the configuration. */

import type { DesiredDns, SortlistEntry } from '../../config/desired.ts';
import type { DesiredConfirm } from '../../config/desired-confirm.ts';
import type { DesiredReport } from '../../config/desired-daemon.ts';
import type { Host } from '../../host/host.ts';
import { Credentials } from '../../report/delivery/credentials.ts';
import { collectorWitnesses } from './collector-witnesses.ts';
import type { ConfirmWitness } from './confirm-witness.ts';
import { gatewayWitness, pingedGatewayWitness } from './gateway-witness.ts';
import { nameServerWitness, pingWitness, tcpWitnesses } from './local-witnesses.ts';

const FAMILIES = ['ipv4', 'ipv6'] as const;
/** A forwarder on this host itself shows nothing of the network. */
const LOOPBACK = /^(127\.|::1$)/;

/** `hostId`: as in the heartbeats (identity.ts). Witnesses of a family that the host lacks never answer, so they never count. */
export function makeConfirmWitnesses(
  host: Host,
  { dns }: { readonly dns: Pick<DesiredDns<SortlistEntry>, 'nameservers' | 'verify'> | null },
  confirm: DesiredConfirm,
  { report, hostId }: { readonly report: DesiredReport; readonly hostId: string },
): ConfirmWitness[] {
  const servers = [...new Set(dns?.nameservers ?? [])].filter((server) => !LOOPBACK.test(server));
  const behind = confirm.also.flatMap((one) => ('host' in one ? [one.host] : []));
  const { endpoint, ...names } = report;
  const byCollector =
    confirm.by === 'local' || endpoint === null
      ? []
      : collectorWitnesses(
          host,
          { endpoint, names, credentials: new Credentials(), hostId },
          { inbound: confirm.inbound, behind },
        );
  const all = [
    ...byCollector,
    ...FAMILIES.map((family) => gatewayWitness(host, family)),
    ...servers.map((server) => nameServerWitness(server, dns?.verify?.name ?? null)),
    ...confirm.also.flatMap((one) => {
      if ('tcp' in one) return tcpWitnesses(host, one.tcp);
      if (!('ping' in one)) return [];
      if (one.ping === 'gateway') return FAMILIES.map((family) => pingedGatewayWitness(host, family));
      return [pingWitness(host, one.ping)];
    }),
  ];
  return [...new Map(all.map((witness) => [witness.name, witness])).values()];
}
