/**
 * Whether systemd-resolved(8) answers this host's names, with links that systemd-networkd gives it. Name servers are
 * then set on those links, not in resolv.conf.
 */
import type { DesiredDns } from '../config/desired.ts';
import type { Host } from '../host/host.ts';
import { isUnitEnabled } from '../host/service/units.ts';
import { linkOwner } from '../resolver/owner.ts';
import { RESOLV_CONF } from '../resolver/resolv-conf.ts';
import { type NetworkdLink, networkdLinks } from './networkd/managed-links.ts';

/**
 * The file in which systemd-resolved lists every server that it asks, and not its own address (systemd-resolved.service(8),
 * "/etc/resolv.conf").
 */
export const RESOLVED_UPLINKS = '/run/systemd/resolve/resolv.conf';

/** The note of a rehearsal that looks at RESOLVED_UPLINKS in place of resolv.conf. */
export const UPLINKS_NOTE = `the name servers are those of ${RESOLVED_UPLINKS}, which systemd-resolved asks`;

/** Where systemd-resolved listens, since systemd 247 at both. */
export const STUBS: readonly string[] = ['127.0.0.53', '127.0.0.54'];

/**
 * All links of systemd-networkd, if systemd-resolved answers through its own resolv.conf or through nss-resolve. The
 * list is empty if it does not answer, or another program owns the links. It is also empty if `dns.symlink` tells us to
 * replace the link with a file of ours.
 */
export function resolvedLinks(host: Host, dns: Pick<DesiredDns, 'symlink'>): NetworkdLink[] {
  if (dns.symlink !== 'refuse' || !host.live) return [];
  // Running processes come first: other parts have looked at them already, and most hosts need no further look.
  if (!runs(host, 'systemd-resolve') || !runs(host, 'systemd-network')) return [];
  return ownsResolvConf(host) || asksResolved(host) ? networkdLinks(host) : [];
}

/**
 * Whether systemd-networkd and systemd-resolved will answer here from their next start on: systemd-networkd is enabled
 * and does not run. That is the case early at boot, in a migration, and in the files of another root.
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

/** Whether libc asks systemd-resolved before it reads resolv.conf: nss-resolve(8). */
export function asksResolved(host: Host): boolean {
  const hosts = /^\s*hosts\s*:([^\n#]*)/m.exec(host.readText('/etc/nsswitch.conf') ?? '')?.[1] ?? '';
  return /\bresolve\b/.test(hosts.split(/\bdns\b/)[0] ?? '');
}

/**
 * The links that are to carry the name servers: links that have some now, or else links whose lease has a router. Other
 * links (a wire to storage) never had any, and stay without.
 */
export function linksWithServers(links: readonly NetworkdLink[]): readonly NetworkdLink[] {
  const having = links.filter(({ servers }) => servers.length > 0);
  return having.length > 0 ? having : links.filter(({ leased }) => leased);
}
