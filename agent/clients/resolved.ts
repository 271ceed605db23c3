/**
 * Whether this host's names are answered by systemd-resolved(8), with links that systemd-networkd gives it: then name
 * servers are set on those links, not in resolv.conf.
 */
import type { DesiredDns } from '../config/desired.ts';
import type { Host } from '../host/host.ts';
import { isUnitEnabled } from '../host/units.ts';
import { linkOwner } from '../resolver/owner.ts';
import { RESOLV_CONF } from '../resolver/resolv-conf.ts';
import { type NetworkdLink, networkdLinks } from './networkd/links.ts';

/**
 * All links of systemd-networkd where systemd-resolved answers, by its own resolv.conf or by nss-resolve; none where it
 * does not, where another program owns the links, or where `dns.symlink` says to put a file of ours in the link's place.
 */
export function resolvedLinks(host: Host, dns: Pick<DesiredDns, 'symlink'>): NetworkdLink[] {
  if (dns.symlink !== 'refuse' || !host.live) return [];
  // First by what runs: others have looked at that already, and most hosts need no further look.
  if (!runs(host, 'systemd-resolve') || !runs(host, 'systemd-network')) return [];
  return ownsResolvConf(host) || asksResolved(host) ? networkdLinks(host) : [];
}

/**
 * Whether systemd-networkd and systemd-resolved are to answer here from their next start on: systemd-networkd is enabled and
 * does not run. That is the case early at boot, in a migration, and in the files of another root.
 */
export function answersAfterStart(host: Host, dns: Pick<DesiredDns, 'symlink'>): boolean {
  if (dns.symlink !== 'refuse' || !ownsResolvConf(host)) return false;
  if (runs(host, 'systemd-network') || !isUnitEnabled(host, 'systemd-networkd.service')) return false;
  return runs(host, 'systemd-resolve') || isUnitEnabled(host, 'systemd-resolved.service');
}

function runs(host: Host, comm: string): boolean {
  return host.processes(comm, 'network').length > 0;
}

/** Whether resolv.conf is a link to a file that systemd-resolved writes. */
export function ownsResolvConf(host: Host): boolean {
  return host.readLink(RESOLV_CONF) !== null && linkOwner(host.target(RESOLV_CONF)) === 'systemd-resolved';
}

/** Whether libc asks it before it reads resolv.conf: nss-resolve(8). */
function asksResolved(host: Host): boolean {
  const hosts = /^\s*hosts\s*:([^\n#]*)/m.exec(host.readText('/etc/nsswitch.conf') ?? '')?.[1] ?? '';
  return /\bresolve\b/.test(hosts.split(/\bdns\b/)[0] ?? '');
}

/**
 * Those that are to carry the name servers: links that have some now, or else those whose lease has a router. Others
 * (a wire to storage) never had any, and are left without.
 */
export function linksWithServers(links: readonly NetworkdLink[]): readonly NetworkdLink[] {
  const having = links.filter(({ servers }) => servers.length > 0);
  return having.length > 0 ? having : links.filter(({ leased }) => leased);
}
