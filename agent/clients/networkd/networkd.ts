/** The running systemd-networkd(8), by its process and the leases that it keeps in /run. */
import type { Host } from '../../host/host.ts';
import type { LeaseHolder } from '../holder.ts';
import { linkNames } from '../link-names.ts';

/** The folder with one file for each link with a DHCPv4 lease, named by the link's index. */
const LEASES = '/run/systemd/netif/leases';

export function networkdHolders(host: Host): LeaseHolder[] {
  const [process] = host.processes('systemd-network', 'network');
  if (process === undefined) return [];
  const names = linkNames(host);
  const interfaces = host.list(LEASES).flatMap((index) => names.get(index) ?? []);
  return [{ program: 'systemd-networkd', pid: process.pid, started: process.started, interfaces }];
}
