/** The leases of every DHCP client that runs on this host: what the servers offered last. */

import { dhclientLeases } from '../../clients/dhclient/known-leases.ts';
import { dhcpcdLeases } from '../../clients/dhcpcd/known-leases.ts';
import type { KnownLeases } from '../../clients/known-lease.ts';
import { networkdLeases } from '../../clients/networkd/known-leases.ts';
import { networkManagerLeases } from '../../clients/networkmanager/known-leases.ts';
import type { Host } from '../../host/host.ts';

export function knownLeases(host: Host): KnownLeases {
  const all = [dhclientLeases(host), dhcpcdLeases(host), networkdLeases(host), networkManagerLeases(host)];
  return { leases: all.flatMap(({ leases }) => leases), unknown: all.flatMap(({ unknown }) => unknown) };
}
