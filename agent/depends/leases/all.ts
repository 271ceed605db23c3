/** The leases of every DHCP client that runs on this host: what the servers offered last. */
import type { Host } from '../../host/host.ts';
import { dhclientLeases } from './dhclient-leases.ts';
import { dhcpcdLeases } from './dhcpcd-leases.ts';
import type { KnownLeases } from './known.ts';
import { networkdLeases } from './networkd-leases.ts';
import { networkManagerLeases } from './networkmanager-leases.ts';

export function knownLeases(host: Host): KnownLeases {
  const all = [dhclientLeases(host), dhcpcdLeases(host), networkdLeases(host), networkManagerLeases(host)];
  return { leases: all.flatMap(({ leases }) => leases), unknown: all.flatMap(({ unknown }) => unknown) };
}
