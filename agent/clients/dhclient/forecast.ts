/** Forecasts the next events of the running dhclients, by dhclient's own lease or by the exit hook's record. */
import type { ConfiguredState } from '../../config/desired.ts';
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { isoTime } from '../../host/iso-time.ts';
import {
  type Deciding,
  decidedByScopes,
  type HoldsAtLease,
  type LeaseForecast,
  type LeaseValues,
  valuesWithHeld,
} from '../lease-forecast.ts';
import { type LeaseRecord, leaseRecords } from './leases/lease-records.ts';
import { currentLease, type Lease, resolvConfWithoutHook } from './leases/leases.ts';
import { dhcpClients, type RunningDhclient, staleSince } from './running.ts';
import { writtenIn } from './written-in.ts';

export async function dhclientForecasts(
  host: Host,
  desired: ConfiguredState,
  holds: HoldsAtLease,
): Promise<LeaseForecast[]> {
  const records = nullIfRefused(() => leaseRecords(host)) ?? [];
  return dhcpClients(host)
    .filter(({ owner }) => owner === null)
    .flatMap((client) => {
      const recorded = records.filter(({ pid, family }) => pid === client.pid && family === client.family);
      const names = new Set([...client.interfaces, ...recorded.map((record) => record.interface)]);
      return [...names].flatMap((name) => {
        const lease = currentLease(host, client, name);
        const record = recorded.find((one) => one.interface === name) ?? null;
        const without = valuesOf(lease, record);
        return without === null ? [] : [forecast(host, client, name, { lease, without, desired, holds })];
      });
    });
}

interface Known {
  readonly lease: Lease | null;
  readonly without: LeaseValues;
  readonly desired: ConfiguredState;
  readonly holds: HoldsAtLease;
}

function forecast(host: Host, client: RunningDhclient, name: string, known: Known): LeaseForecast {
  const { lease, without, desired, holds } = known;
  const since = staleSince(host, client);
  const changed = since === null ? null : isoTime(since);
  return {
    pid: client.pid,
    interface: name,
    family: client.family,
    address: lease?.address ?? null,
    renews: lease?.renew ?? null,
    without,
    with: valuesWithHeld(without, decidingFor(desired, name), holds),
    stale:
      changed === null ? null : `${client.confFile} changed at ${changed}; dhclient reads it only at its next start`,
  };
}

/** The record has the server's values. dhclient's own file has them after `supersede` of the running process. */
function valuesOf(lease: Lease | null, record: LeaseRecord | null): LeaseValues | null {
  if (record !== null) {
    const { offered, family } = record;
    const words = (key: string) => listOf(offered.get(key));
    const searched = words('domain_search');
    if (family === 4) {
      const search = searched.length > 0 ? searched : words('domain_name');
      return {
        nameservers: words('domain_name_servers'),
        search,
        routers: words('routers'),
        ntp: words('ntp_servers'),
      };
    }
    const ntp = words('dhcp6_sntp_servers');
    // DHCPv6 has no routers: they come by router advertisements.
    return { nameservers: words('dhcp6_name_servers'), search: words('dhcp6_domain_search'), routers: null, ntp };
  }
  if (lease === null) return null;
  const lines = resolvConfWithoutHook(lease).map((line) => line.split(' '));
  const search = lines.find(([keyword]) => keyword === 'search')?.slice(1) ?? [];
  const nameservers = lines.filter(([keyword]) => keyword === 'nameserver').flatMap(([, ...servers]) => servers);
  const words = (name: string) => listOf(lease.options.get(name));
  if (lease.family === 6) return { nameservers, search, routers: null, ntp: words('dhcp6.sntp-servers') };
  return { nameservers, search, routers: words('routers'), ntp: words('ntp-servers') };
}

function listOf(value: string | null | undefined): string[] {
  return (value ?? '').split(/[\s,]+/).filter((word) => word !== '');
}

/** dhclient's settings, by the section that the operator wrote them in. */
function decidingFor(desired: ConfiguredState, iface: string): Deciding {
  return decidedByScopes(desired.dns, desired.dhclient, iface, (own, part) => {
    return `${writtenIn(desired, own, part)}.${own === null ? '' : `interfaces.${own}.`}${part}`;
  });
}
