/** The running systemd-networkd(8), by its process and the leases that it keeps in /run. */
import type { Host } from '../../host/host.ts';
import type { LeaseHolder } from '../client.ts';
import { linkNames } from '../link-names.ts';
import { NETWORKD_LEASES } from './managed-links.ts';

/** Whether systemd-networkd runs, or is installed. */
export function networkdIsHere(host: Host): boolean {
  const installed = ['/usr/lib', '/lib'].some((folder) => host.stat(`${folder}/systemd/systemd-networkd`) !== null);
  return installed || host.processes('systemd-network', 'network').length > 0;
}

export function networkdHolders(host: Host): LeaseHolder[] {
  const [process] = host.processes('systemd-network', 'network');
  if (process === undefined) return [];
  const names = linkNames(host);
  const interfaces = host.list(NETWORKD_LEASES).flatMap((index) => names.get(index) ?? []);
  return [{ program: 'systemd-networkd', pid: process.pid, started: process.started, interfaces }];
}
