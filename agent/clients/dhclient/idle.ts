import type { SettingState } from '../../hold/resource.ts';
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import type { LeaseHolder } from '../client.ts';
import { interfacesIn, leaseFilesLeft } from './leases/leases.ts';
import { dhcpClients } from './running.ts';

/** The states without those of `dns` and `dhcp` while dhclient is idle: no program reads its files then. */
export function unlessIdle(
  host: Host,
  holders: () => readonly LeaseHolder[],
  states: readonly SettingState[],
): SettingState[] {
  const idle = dhclientIdle(host, holders);
  return states.filter(({ setting }) => !idle || !/^(dns|dhcp)\./.test(setting));
}

/**
 * Whether dhclient has no part in this host's DNS: another program holds the leases, no dhclient runs, and none left a
 * lease. A package's hooks for dhclient are then never run.
 */
export function dhclientIdle(host: Host, holders: () => readonly LeaseHolder[]): boolean {
  if (!host.live || dhcpClients(host).length > 0) return false;
  if (!holders().some(({ interfaces }) => interfaces === 'all' || interfaces.length > 0)) return false;
  // Without root a lease file may not be readable.
  return nullIfRefused(() => leaseFilesLeft(host).every((file) => interfacesIn(host, file).length === 0)) ?? false;
}
