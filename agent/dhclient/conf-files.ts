import type { Host } from '../host/host.ts';
import { DEFAULT_CONF, type DhcpClient } from './clients.ts';

/**
 * Every dhclient.conf that one of these clients reads, or that the next start would read: links resolved, each once. What
 * another program makes for its own dhclient is not among them.
 */
export function confFiles(host: Host, clients: readonly DhcpClient[]): string[] {
  const used = clients
    .filter(({ owner, confFile }) => owner === null && confFile.startsWith('/'))
    .map(({ confFile }) => confFile);
  const ofInterfaces = ['/etc/dhcp', '/etc'].flatMap((folder) => {
    return host
      .list(folder)
      .filter((name) => /^dhclient-.+\.conf$/.test(name))
      .map((name) => `${folder}/${name}`);
  });
  const there = [...used, DEFAULT_CONF, '/etc/dhclient.conf', ...ofInterfaces].filter((file) =>
    host.stat(file)?.isFile(),
  );
  return [...new Set(there.map((file) => host.target(file)))];
}
