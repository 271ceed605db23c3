import type { Host } from '../../host/host.ts';
import { dhcpClients } from './clients.ts';
import { scriptsInUse } from './scripts.ts';

const PROGRAMS = ['/sbin/dhclient', '/usr/sbin/dhclient'];

/**
 * Whether this host has a dhclient. Its folders for hooks say nothing of that: they stay when its package goes, and other
 * packages bring hooks of their own. The programs of another root may lie elsewhere, so there nothing is ruled out.
 */
export function dhclientInstalled(host: Host): boolean {
  if (!host.live || scriptsInUse(host).some(({ path }) => host.stat(path) !== null)) return true;
  return PROGRAMS.some((path) => host.stat(path) !== null) || dhcpClients(host).length > 0;
}
