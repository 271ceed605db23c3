/** What a DHCP client's resource learns of the rest of a host, for tests that make the resource themselves. */
import type { ClientSurroundings } from '../../agent/clients/client.ts';
import { leaseHolders } from '../../agent/clients/holders.ts';
import { KnownFiles } from '../../agent/hold/files/verified-files.ts';
import type { Host } from '../../agent/host/host.ts';

export function clientSurroundings(host: Host, known = new KnownFiles('test')): ClientSurroundings {
  return { known, holders: () => leaseHolders(host) };
}
