/**
 * The leases of this host's dhclients: age, expiry, server, and the options that the configuration supersedes. Beside
 * them the default routers of router advertisements, whoever acts on these.
 */
import { wantedIn } from '../agent/clients/dhclient/conf/wanted.ts';
import { type LeaseRecord, leaseRecords } from '../agent/clients/dhclient/leases/lease-records.ts';
import { currentLease } from '../agent/clients/dhclient/leases/leases.ts';
import { clientName, dhcpClients, type RunningDhclient, staleSince } from '../agent/clients/dhclient/running.ts';
import type { DesiredDhcp } from '../agent/config/desired.ts';
import { envName, envValue } from '../agent/config/notation/dhcp-options.ts';
import type { Host } from '../agent/host/host.ts';
import { type AdvertisedRouter, advertisedRouters } from '../agent/host/netlink/routes/advertised-routers.ts';
import { type Condition, type Probe, type Reading, type Sample, type SampleAttributes, sample } from './probe.ts';

export function leasesProbe(host: Host, dhclient: DesiredDhcp): Probe {
  return {
    name: 'leases',
    cost: 'constant',
    async read(signal): Promise<Reading[]> {
      const now = Date.now();
      const records = leaseRecords(host);
      const routers = host.live ? await advertisedRouters(signal) : [];
      const leases = dhcpClients(host).flatMap((client) => {
        const own = records.filter(({ pid, family }) => pid === client.pid && family === client.family);
        const interfaces = new Set([...client.interfaces, ...own.map((record) => record.interface)]);
        return [
          ...staleness(host, client),
          ...[...interfaces].flatMap((name) => {
            const record = own.find((one) => one.interface === name) ?? null;
            return lease(host, client, name, record, dhclient, now);
          }),
        ];
      });
      return [...leases, ...routers.flatMap(lifetime)];
    },
  };
}

function lifetime({ interface: name, gateway, expires }: AdvertisedRouter): Sample[] {
  if (expires === null) return [];
  return [sample('holdfast.router.expire', expires, { interface: name, 'network.type': 'ipv6', gateway })];
}

function staleness(host: Host, client: RunningDhclient): Reading[] {
  const since = staleSince(host, client);
  const attributes = { interface: client.interfaces.join(' '), ...family(client) };
  const stale = sample('holdfast.dhclient.stale', since === null ? 0 : 1, attributes);
  if (since === null) return [stale];
  const body = `${clientName(client)} runs with an older configuration than ${client.confFile}, and reads the present one only at its next start. Until then the hooks hold the configured values.`;
  return [stale, { kind: 'condition', code: 'stale-dhclient', severity: 'info', body, attributes }];
}

function lease(
  host: Host,
  client: RunningDhclient,
  name: string,
  record: LeaseRecord | null,
  dhclient: DesiredDhcp,
  now: number,
): Reading[] {
  const attributes = { interface: name, ...family(client) };
  const { renew, expire } = times(host, client, name, record);
  const server = record?.offered.get('dhcp_server_identifier') ?? null;
  return [
    ...seconds('holdfast.lease.age', record && now - record.time, {
      ...attributes,
      ...(server === null ? {} : { 'server.address': server }),
    }),
    ...seconds('holdfast.lease.renew', renew && renew - now, attributes),
    ...seconds('holdfast.lease.expire', expire && expire - now, attributes),
    ...(expire !== null && expire < now ? [expired(name, expire, attributes)] : []),
    ...(record === null ? [] : superseded(record, dhclient, attributes)),
  ];
}

/** Times in milliseconds since the epoch: dhclient's own; otherwise the lifetime in the hook's record of DHCPv6. */
function times(host: Host, client: RunningDhclient, name: string, record: LeaseRecord | null) {
  const lease = currentLease(host, client, name);
  if (lease !== null || client.family === 4) return lease ?? { renew: null, expire: null };
  const life = record?.offered.get('max_life') ?? '';
  return { renew: null, expire: record !== null && /^\d+$/.test(life) ? record.time + Number(life) * 1000 : null };
}

function expired(name: string, expire: number, attributes: SampleAttributes): Condition {
  const body = `The lease of ${name} expired at ${new Date(expire).toISOString()}: no DHCP server has renewed it.`;
  return { kind: 'condition', code: 'lease-expired', severity: 'error', body, attributes };
}

/** Samples of the options that the hook records and the configuration supersedes. */
function superseded({ offered, family, interface: name }: LeaseRecord, dhclient: DesiredDhcp, about: SampleAttributes) {
  return wantedIn(dhclient, name).flatMap(({ definition, values }): Sample[] => {
    const option = definition.name;
    const value = offered.get(envName(definition).replace(/^new_/, ''));
    if (value === undefined || option.startsWith('dhcp6.') !== (family === 6)) return []; // not offered, or not recorded
    return [sample('holdfast.lease.superseded', value === envValue(definition, values) ? 0 : 1, { ...about, option })];
  });
}

function seconds(
  metric: 'holdfast.lease.age' | 'holdfast.lease.renew' | 'holdfast.lease.expire',
  milliseconds: number | null,
  attributes: SampleAttributes,
): Sample[] {
  return milliseconds === null ? [] : [sample(metric, milliseconds / 1000, attributes)];
}

function family({ family }: RunningDhclient): SampleAttributes {
  return { 'network.type': `ipv${family}` };
}
