/**
 * If resolv.conf is a symbolic link that `dns.symlink` refuses, all of DNS is left to the link's owner. A hook that
 * sets the name servers at each lease would change the owner's file, although apply has reported that the file is left
 * alone.
 */
import type { DesiredDns, DesiredState } from '../config/desired.ts';
import { DNS_OPTIONS } from '../config/notation/dns-options.ts';
import type { Host } from '../host/host.ts';
import { isMade, linkOwner } from '../resolver/owner.ts';
import { RESOLV_CONF } from '../resolver/resolv-conf.ts';
import { answersAfterStart, ownsResolvConf, resolvedLinks } from './resolved.ts';

/**
 * Why resolv.conf is left alone, and what to do, as a sentence. null if it is no link, or the configuration says how to
 * treat the link.
 */
export function refusedLink(host: Host, dns: DesiredDns | null): string | null {
  if (dns === null || dns.symlink === 'replace' || host.readLink(RESOLV_CONF) === null) return null;
  if (ownsResolvConf(host) && (resolvedLinks(host, dns).length > 0 || answersAfterStart(host, dns))) return null;
  const target = host.target(RESOLV_CONF);
  if (target === RESOLV_CONF) {
    return 'a symbolic link that leads in a circle, so that libc has no resolv.conf; set dns.symlink to "replace" (a file of our own), or remove the link';
  }
  if (dns.symlink === 'follow') {
    const isFile = !/^\/(proc|sys|dev)\//.test(target) && (host.stat(target)?.isFile() ?? true);
    return isFile
      ? null
      : `a symbolic link to ${target}, which is no regular file, so nothing is written there; set dns.symlink to "replace" (a file of our own)`;
  }
  const owner = linkOwner(target);
  return `a symbolic link to ${target}${owner === null ? '' : `, which belongs to ${owner}`}; set dns.symlink to "replace" (a file of our own) or "follow" (write there)`;
}

/**
 * Why resolv.conf is missing at a boot until an `agent apply`: a followed link to a file that is gone after a boot, and
 * that no program makes. null if the path is no such link.
 */
export function goneAtBoot(host: Host, { symlink }: DesiredDns): string | null {
  if (symlink !== 'follow' || host.readLink(RESOLV_CONF) === null) return null;
  const target = host.target(RESOLV_CONF);
  if (!VOLATILE.test(target) || isMade(host, target)) return null;
  const owner = linkOwner(target);
  const maker =
    owner === null ? 'no known program makes that file' : `${owner}, which makes that file, is not installed`;
  return `a symbolic link to ${target}, which is gone after a boot: ${maker}; set dns.symlink to "replace" (a file of our own)`;
}

/** Folders that are empty after a boot. */
const VOLATILE = /^(\/var)?\/run\/|^\/dev\/shm\/|^\/tmp\//;

/** The desired state without `dns` and without the dhclient options that it implies. */
export function withoutDns(desired: DesiredState): DesiredState {
  const { dns, dhclient } = desired;
  if (dns === null) return desired;
  const options: ReadonlySet<string> = new Set(
    (['domain', 'search', 'nameservers'] as const).flatMap((key) => (dns[key] === null ? [] : DNS_OPTIONS[key])),
  );
  const supersede = new Map([...dhclient.global.supersede].filter(([option]) => !options.has(option)));
  return { ...desired, dns: null, dhclient: { ...dhclient, global: { ...dhclient.global, supersede } } };
}
