/**
 * Time servers that a running systemd-networkd is told for a link (timedatectl(1), `ntp-servers`). It keeps them until it
 * ends, through leases and reloads. A record in RUN_FOLDER says which systemd-networkd has them.
 */

import { markBoot } from '../../host/boot-mark.ts';
import { HostError } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { RUN_FOLDER } from '../../host/paths.ts';
import { NETWORKD_STATE, type NetworkdLink, networkdLinks, networkdVariables, networkdWords } from './managed-links.ts';
import { runningNetworkd } from './which-networkd.ts';

const RECORD = 'networkd-ntp.';

const recordOf = (link: string) => `${RUN_FOLDER}/${RECORD}${link}`;

/** Whether the running systemd-networkd was told these servers by us. */
export function wasToldTime(host: Host, link: string, servers: readonly string[]): boolean {
  const running = runningNetworkd(host);
  return running !== undefined && host.readText(recordOf(link)) === textOf(running, servers);
}

/** Throws HostError. */
export function tellTime(host: Host, link: string, servers: readonly string[]): void {
  markBoot(host);
  const running = runningNetworkd(host);
  if (running === undefined) throw new HostError('ERESOLVED', 'systemd-networkd does not run');
  // The record comes first, so that no servers stay that `revert` does not know of.
  host.replaceOwn(recordOf(link), textOf(running, servers), 0o644);
  timedatectl(host, ['ntp-servers', link, ...servers]);
}

/** The links that were told, by this systemd-networkd or by an earlier one. */
export function linksToldTime(host: Host): string[] {
  return host
    .list(RUN_FOLDER)
    .filter((name) => name.startsWith(RECORD))
    .map((name) => name.slice(RECORD.length));
}

/** Returns the link to the time servers of files and leases. Throws HostError. */
export function releaseTime(host: Host, link: string): void {
  const by = host.readText(recordOf(link))?.split('\n')[0];
  const isManaged = networkdLinks(host).some(({ name }) => name === link);
  if (isManaged && by === runningNetworkd(host)) timedatectl(host, ['revert', link]);
  host.remove(recordOf(link));
}

/**
 * Servers of the lease that systemd-networkd lists behind ours: in the link's own file (systemd 247), or in the file
 * that systemd-timesyncd reads (247, 252).
 */
export function timeBehind(host: Host, { ntp }: NetworkdLink, servers: readonly string[]): string[] {
  const all = networkdWords(networkdVariables(host.readText(NETWORKD_STATE) ?? '').get('NTP'));
  const ofLinks = new Set(networkdLinks(host).flatMap((link) => link.ntp));
  const unclaimed = all.filter((server) => !ofLinks.has(server));
  return [...new Set([...ntp, ...unclaimed])].filter((server) => !servers.includes(server));
}

const textOf = (running: string, servers: readonly string[]) => `${running}\n${servers.join(' ')}\n`;

function timedatectl(host: Host, words: readonly string[]): void {
  const { status, stderr, error } = host.run('timedatectl', words);
  if (status !== 0) throw new HostError('ERESOLVED', `timedatectl ${words.join(' ')}: ${error ?? stderr.trim()}`);
}
