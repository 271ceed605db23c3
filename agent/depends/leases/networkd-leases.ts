/** Leases of systemd-networkd: one file for each link in /run, by the link's index. */
import { linkNames } from '../../clients/link-names.ts';
import { networkdHolders } from '../../clients/networkd/networkd.ts';
import type { Host } from '../../host/host.ts';
import type { KnownLease, KnownLeases } from './known.ts';

const LEASES = '/run/systemd/netif/leases';

export function networkdLeases(host: Host): KnownLeases {
  const [daemon] = networkdHolders(host);
  if (daemon === undefined) return { leases: [], unknown: [] };
  const names = linkNames(host);
  const leases = host.list(LEASES).flatMap((index): KnownLease[] => {
    const where = `${LEASES}/${index}`;
    const text = host.readText(where);
    if (text === null) return [];
    const value = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(text)?.[1];
    const list = (key: string) =>
      value(key)
        ?.split(' ')
        .filter((word) => word !== '') ?? [];
    const duration = value('LIFETIME');
    return [
      {
        program: 'systemd-networkd',
        who: `systemd-networkd[${daemon.pid}] on ${names.get(index) ?? `link ${index}`}`,
        where,
        nameservers: list('DNS'),
        gateways: list('ROUTER'),
        timeServers: list('NTP'),
        server: value('SERVER_ADDRESS') ?? null,
        // systemd writes whole seconds, or a time with its unit (257: `LIFETIME=1h`).
        duration: duration === undefined ? null : seconds(duration),
      },
    ];
  });
  return { leases, unknown: [] };
}

const UNITS: Readonly<Record<string, number>> = { '': 1, s: 1, min: 60, h: 3600, d: 86_400, w: 604_800 };

/** null if it is no time span of systemd.time(7). */
function seconds(text: string): number | null {
  const parts = text.trim().split(/\s+/);
  const values = parts.map((part) => {
    const [, number, unit = ''] = /^(\d{1,12})([a-z]*)$/.exec(part) ?? [];
    return Number(number) * (UNITS[unit] ?? Number.NaN);
  });
  const sum = values.reduce((total, one) => total + one, 0);
  return Number.isFinite(sum) ? sum : null;
}
