/** Leases of dhclient: its own file, and the record of Holdfast's exit hook. */

import type { Host } from '../../host/host.ts';
import type { KnownLease, KnownLeases } from '../known-lease.ts';
import { type LeaseRecord, leaseRecords } from './leases/lease-records.ts';
import { type Lease, leaseText, parseLeases } from './leases/leases.ts';
import { clientName, dhcpClients, type RunningDhclient } from './running.ts';

export function dhclientLeases(host: Host): KnownLeases {
  const leases: KnownLease[] = [];
  const unknown: string[] = [];
  const records = leaseRecords(host);
  // NetworkManager's dhclient belongs to NetworkManager, which knows its leases.
  for (const client of dhcpClients(host).filter(({ owner }) => owner === null)) {
    const own = [...ofFile(host, client), ...ofRecords(client, records)];
    leases.push(...own);
    if (own.length === 0) unknown.push(`${clientName(client)} runs, and no lease of it is recorded`);
  }
  return { leases, unknown };
}

/** The last lease of each interface. */
function ofFile(host: Host, client: RunningDhclient): KnownLease[] {
  const last = new Map<string, Lease>();
  for (const lease of parseLeases(leaseText(host, client))) {
    if (lease.family === client.family && serves(client, lease.interface)) last.set(lease.interface, lease);
  }
  const own = client.family === 6 ? '6' : '';
  return [...last.values()].map(({ interface: name, options, seconds }) => ({
    program: 'dhclient',
    who: `dhclient[${client.pid}] on ${name}`,
    where: client.leaseFile ?? `/var/lib/dhcp/dhclient${own}.leases`,
    nameservers: [...list(options.get('domain-name-servers')), ...list(options.get('dhcp6.name-servers'))],
    gateways: list(options.get('routers')),
    timeServers: [...list(options.get('ntp-servers')), ...list(options.get('dhcp6.sntp-servers'))],
    server: options.get('dhcp-server-identifier') ?? null,
    duration: seconds,
  }));
}

/** The hook records the server's values at each event. */
function ofRecords(client: RunningDhclient, records: readonly LeaseRecord[]): KnownLease[] {
  const mine = records.filter(({ pid, family }) => pid === client.pid && family === client.family);
  return mine.map(({ interface: name, family, offered, time }) => {
    const value = (key: string) => list(offered.get(key) ?? undefined);
    const expiry = number(offered.get(family === 6 ? 'max_life' : 'expiry') ?? undefined);
    const duration = expiry === null || family === 6 ? expiry : Math.max(0, Math.round(expiry - time / 1000));
    return {
      program: 'dhclient',
      who: `dhclient[${client.pid}] on ${name}`,
      where: `/run/holdfast/lease${family === 6 ? '6' : ''}.${name}`,
      nameservers: [...value('domain_name_servers'), ...value('dhcp6_name_servers')],
      gateways: value('routers'),
      timeServers: value('ntp_servers'),
      server: offered.get('dhcp_server_identifier') ?? null,
      duration,
    };
  });
}

const serves = ({ interfaces }: RunningDhclient, name: string) => interfaces.length === 0 || interfaces.includes(name);

function list(value: string | undefined): string[] {
  return (value ?? '').split(/[\s,]+/).filter((word) => word !== '');
}

function number(value: string | undefined): number | null {
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : null;
}
