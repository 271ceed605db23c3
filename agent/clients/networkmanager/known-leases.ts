/** Leases of NetworkManager, with its own DHCP client or with a dhclient of its own: its record of each device in /run. */

import { iniLines } from '../../host/files/ini.ts';
import type { Host } from '../../host/host.ts';
import type { KnownLease, KnownLeases } from '../known-lease.ts';
import { linkNames } from '../link-names.ts';
import { networkManagerWords } from './profiles.ts';
import { networkManager } from './running.ts';

const DEVICES = '/run/NetworkManager/devices';

export function networkManagerLeases(host: Host): KnownLeases {
  const daemon = networkManager(host);
  if (daemon === null) return { leases: [], unknown: [] };
  const names = linkNames(host);
  const leases = host.list(DEVICES).flatMap((index): KnownLease[] => {
    const where = `${DEVICES}/${index}`;
    const lines = iniLines(host, where);
    return ['dhcp4', 'dhcp6'].flatMap((section): KnownLease[] => {
      const own = lines.filter((line) => line.section === section);
      if (own.length === 0) return [];
      const value = (key: string) => own.find((line) => line.key === `${section}.${key}`)?.value;
      const list = (key: string) => networkManagerWords(value(key));
      const duration = value('dhcp_lease_time');
      return [
        {
          program: 'NetworkManager',
          who: `NetworkManager[${daemon.pid}] on ${names.get(index) ?? `device ${index}`}`,
          where,
          nameservers: [...list('domain_name_servers'), ...list('dhcp6_name_servers')],
          gateways: list('routers'),
          timeServers: list('ntp_servers'),
          server: value('dhcp_server_identifier') ?? null,
          duration: duration !== undefined && /^\d{1,12}$/.test(duration) ? Number(duration) : null,
        },
      ];
    });
  });
  return { leases, unknown: [] };
}
