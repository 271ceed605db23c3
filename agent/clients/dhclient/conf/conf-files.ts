/** Which files are a dhclient.conf on this host. */
import type { Host } from '../../../host/host.ts';
import { DEFAULT_CONF, type RunningDhclient } from '../running.ts';

/**
 * Every dhclient.conf that one of these clients reads, or that the next start would read, by the path that dhclient
 * uses. Configurations that another program makes for its own dhclient are left out.
 */
export function confNames(host: Host, clients: readonly RunningDhclient[]): string[] {
  const used = clients
    .filter(({ owner, confFile }) => owner === null && confFile.startsWith('/'))
    .map(({ confFile }) => confFile);
  const ofInterfaces = ['/etc/dhcp', '/etc'].flatMap((folder) => {
    return host
      .list(folder)
      .map((name) => `${folder}/${name}`)
      .filter((file) => interfaceOf(file) !== null);
  });
  const names = [...used, DEFAULT_CONF, '/etc/dhcp3/dhclient.conf', '/etc/dhclient.conf', ...ofInterfaces];
  return [...new Set(names)].filter((file) => host.stat(file)?.isFile());
}

/** The same files with links resolved, each listed once. */
export function confFiles(host: Host, clients: readonly RunningDhclient[]): string[] {
  return [...new Set(confNames(host, clients).map((file) => host.target(file)))];
}

/**
 * The interface that ifup uses this file for (`/etc/dhcp/dhclient-eth0.conf`); null if the file is for all interfaces.
 */
export function interfaceOf(file: string): string | null {
  return /\/dhclient-([^/]+)\.conf$/.exec(file)?.[1] ?? null;
}
