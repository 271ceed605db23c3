import type { Host } from '../../host/host.ts';
import { scriptsInUse } from './dhclient-scripts.ts';
import { dhcpClients } from './running.ts';

const PROGRAMS = ['/sbin/dhclient', '/usr/sbin/dhclient'];

/**
 * Whether this host has a dhclient. Its hook folders prove nothing: they stay when the package goes, and other packages
 * bring hooks. The programs of another root may lie elsewhere, so the answer there is always yes.
 */
export function dhclientInstalled(host: Host): boolean {
  if (!host.live || scriptsInUse(host).some(({ path }) => host.stat(path) !== null)) return true;
  return PROGRAMS.some((path) => host.stat(path) !== null) || dhcpClients(host).length > 0;
}
