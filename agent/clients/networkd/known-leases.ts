/**
 * Leases of systemd-networkd: of IPv4 in one file for each link in /run, by the link's index. It keeps those of IPv6 in its
 * memory, and networkctl(1) tells them.
 */

import type { Host } from '../../host/host.ts';
import type { LeaseHolder } from '../client.ts';
import { linksWithDynamicSix } from '../dynamic-six.ts';
import type { KnownLease, KnownLeases } from '../known-lease.ts';
import { linkNames } from '../link-names.ts';
import { linkSix } from './dhcp6-lease.ts';
import { NETWORKD_LEASES, networkdLinks, networkdVariables, networkdWords } from './managed-links.ts';
import { networkdHolders } from './running.ts';

export function networkdLeases(host: Host): KnownLeases {
  const [daemon] = networkdHolders(host);
  if (daemon === undefined) return { leases: [], unknown: [] };
  const names = linkNames(host);
  const leases = host.list(NETWORKD_LEASES).flatMap((index): KnownLease[] => {
    const where = `${NETWORKD_LEASES}/${index}`;
    const text = host.readText(where);
    if (text === null) return [];
    const values = networkdVariables(text);
    const duration = values.get('LIFETIME');
    return [
      {
        program: 'systemd-networkd',
        who: `systemd-networkd[${daemon.pid}] on ${names.get(index) ?? `link ${index}`}`,
        where,
        nameservers: networkdWords(values.get('DNS')),
        gateways: networkdWords(values.get('ROUTER')),
        timeServers: networkdWords(values.get('NTP')),
        server: values.get('SERVER_ADDRESS') ?? null,
        // systemd writes whole seconds, or a time with its unit (257: `LIFETIME=1h`).
        duration: duration === undefined ? null : spanSeconds(duration),
      },
    ];
  });
  return { leases: [...leases, ...leasesOfSix(host, daemon)], unknown: [] };
}

function leasesOfSix(host: Host, { pid }: LeaseHolder): KnownLease[] {
  const dynamic = linksWithDynamicSix(host);
  if (dynamic.size === 0) return [];
  const links = networkdLinks(host).filter(({ name }) => dynamic.has(name));
  return links.flatMap(({ name }) =>
    linkSix(host, name).map(({ source, nameservers, routers, ntp }): KnownLease => {
      return {
        program: 'systemd-networkd',
        who: `systemd-networkd[${pid}] on ${name}`,
        where: `networkctl status ${name}`,
        nameservers: nameservers ?? [],
        gateways: routers,
        timeServers: ntp ?? [],
        ...(source === 'NDisc' ? { sender: 'router' } : {}),
        server: null,
        duration: null,
      };
    }),
  );
}

const UNITS: Readonly<Record<string, number>> = { '': 1, s: 1, min: 60, h: 3600, d: 86_400, w: 604_800 };

/** null if it is no time span of systemd.time(7). */
export function spanSeconds(text: string): number | null {
  const parts = text.trim().split(/\s+/);
  const values = parts.map((part) => {
    const [, number, unit = ''] = /^(\d{1,12})([a-z]*)$/.exec(part) ?? [];
    return Number(number) * (UNITS[unit] ?? Number.NaN);
  });
  const sum = values.reduce((total, one) => total + one, 0);
  return Number.isFinite(sum) ? sum : null;
}
