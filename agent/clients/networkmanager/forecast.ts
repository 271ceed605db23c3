/** Forecasts the next lease of NetworkManager, by its record of the present lease, and says whether its files changed. */
import type { ConfiguredState } from '../../config/desired.ts';
import { Originals } from '../../hold/originals/originals.ts';
import { nullIfRefused } from '../../host/errors.ts';
import { type IniLine, iniLinesOf } from '../../host/files/ini.ts';
import type { Host } from '../../host/host.ts';
import type { Process } from '../../host/process/processes.ts';
import { INFINITE } from '../known-lease.ts';
import {
  decidedFor,
  type HoldsAtLease,
  type LeaseForecast,
  type LeaseValues,
  valuesWithHeld,
} from '../lease-forecast.ts';
import { mainSettings } from './conf.ts';
import { type ManagedDevice, managedDevices, networkManagerWords, valueIn } from './profiles.ts';
import { NETWORK_MANAGER_CONF, networkManager } from './running.ts';
import { isUnreadProfile, unreadConf } from './unread-files.ts';

export async function networkManagerForecasts(
  host: Host,
  desired: ConfiguredState,
  holds: HoldsAtLease,
): Promise<LeaseForecast[]> {
  const process = networkManager(host);
  if (process === null) return [];
  const foreignDns = mainSettings(host).findLast(({ key, file }) => key === 'dns' && file !== NETWORK_MANAGER_CONF);
  return managedDevices(host).flatMap((device) => {
    const stale = staleFiles(host, process, device);
    const profile = profileBefore(host, device);
    return ([4, 6] as const).flatMap((family): LeaseForecast[] => {
      const lease = leaseOf(device.record, family);
      if (lease === null) return [];
      const { nameservers, search, ...rest } = valuesOf(lease, profile, family);
      const writes = foreignDns?.value !== 'none';
      const without = { ...rest, nameservers: writes ? nameservers : null, search: writes ? search : null };
      return [
        {
          pid: process.pid,
          interface: device.name,
          family,
          address: lease.get(family === 4 ? 'ip_address' : 'ip6_address') ?? null,
          renews: renewal(lease),
          without,
          with: valuesWithHeld(without, decidedFor(desired, device.name), holds),
          stale,
        },
      ];
    });
  });
}

/** The record's values by their names; null if there is no lease of this family. */
function leaseOf(record: readonly IniLine[], family: 4 | 6): ReadonlyMap<string, string> | null {
  const section = `dhcp${family}`;
  const own = record.filter((line) => line.section === section);
  return own.length === 0 ? null : new Map(own.map(({ key, value }) => [key.slice(section.length + 1), value]));
}

/** NetworkManager asks again after half of the lease, whatever option 58 says. It writes no times of DHCPv6. */
function renewal(lease: ReadonlyMap<string, string>): number | null {
  const [expiry, duration] = ['expiry', 'dhcp_lease_time'].map((key) => {
    const text = lease.get(key) ?? '';
    return /^\d{1,12}$/.test(text) ? Number(text) : null;
  });
  if (expiry === null || expiry === undefined || duration === null || duration === undefined) return null;
  return duration === INFINITE ? null : (expiry - duration / 2) * 1000;
}

/** The values of the profile and the offer, as NetworkManager combines them (nm-settings(5)). */
function valuesOf(lease: ReadonlyMap<string, string>, profile: readonly IniLine[], family: 4 | 6): LeaseValues {
  const section = `ipv${family}`;
  const is = (key: string) => /^(true|1|yes|on)$/i.test(valueIn(profile, section, key) ?? '');
  const fixed = (key: string) => networkManagerWords(valueIn(profile, section, key));
  const offered = (key: string, isUsed = true) => (isUsed ? networkManagerWords(lease.get(key)) : []);
  const dns = !is('ignore-auto-dns');
  const names = offered(family === 4 ? 'domain_search' : 'dhcp6_domain_search', dns);
  return {
    nameservers: [...fixed('dns'), ...offered(family === 4 ? 'domain_name_servers' : 'dhcp6_name_servers', dns)],
    search: [...fixed('dns-search'), ...(names.length > 0 ? names : offered('domain_name', dns))],
    // Routers of IPv6 come with advertisements, which the record does not have.
    routers: family === 6 ? null : is('never-default') || is('ignore-auto-routes') ? [] : routersOf(lease),
    ntp: offered(family === 4 ? 'ntp_servers' : 'dhcp6_sntp_servers'),
  };
}

/** Classless routes replace option 3: `10.88.0.0/24 10.77.0.9 0.0.0.0/0 10.77.0.8`. */
function routersOf(lease: ReadonlyMap<string, string>): string[] {
  const classless = networkManagerWords(
    lease.get('rfc3442_classless_static_routes') ?? lease.get('ms_classless_static_routes'),
  );
  if (classless.length === 0) return networkManagerWords(lease.get('routers'));
  return classless.flatMap((gateway, at) => (at % 2 === 1 && classless[at - 1] === '0.0.0.0/0' ? [gateway] : []));
}

/** The profile without what Holdfast added. */
function profileBefore(host: Host, { file, profile }: ManagedDevice): readonly IniLine[] {
  const original = file === null ? null : nullIfRefused(() => new Originals(host).find('file', file));
  return file === null || original?.before == null ? profile : iniLinesOf(file, original.before);
}

/** The sentence names the way of reading. */
function staleFiles(host: Host, process: Process, { file }: ManagedDevice): string | null {
  const changed = unreadConf(host, process);
  const ways = [
    ...(changed.length === 0 ? [] : [`${changed.join(', ')} (read by: nmcli general reload)`]),
    ...(file !== null && isUnreadProfile(host, process, file)
      ? [`${file} (read by: nmcli connection load '${file}')`]
      : []),
  ];
  return ways.length === 0 ? null : `changed after its start: ${ways.join('; ')}`;
}
