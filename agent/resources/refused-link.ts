/**
 * Where resolv.conf is a symbolic link that `dns.symlink` refuses, DNS is its owner's matter as a whole: a hook that sets the name
 * servers of each lease would change the owner's file at the next one, after apply had said that it is left alone.
 */
import { answersAfterStart, ownsResolvConf, resolvedLinks } from '../clients/resolved.ts';
import type { DesiredDns, DesiredState } from '../config/desired.ts';
import { DNS_OPTIONS } from '../config/dns-options.ts';
import type { Host } from '../host/host.ts';
import { linkOwner } from '../resolver/owner.ts';
import { RESOLV_CONF } from '../resolver/resolv-conf.ts';

/** Why resolv.conf is left alone, and what to do, as a sentence; null: it is no link, or it is configured what becomes of the link. */
export function refusedLink(host: Host, dns: DesiredDns | null): string | null {
  if (dns === null || dns.symlink !== 'refuse' || host.readLink(RESOLV_CONF) === null) return null;
  if (ownsResolvConf(host) && (resolvedLinks(host, dns).length > 0 || answersAfterStart(host, dns))) return null;
  const target = host.target(RESOLV_CONF);
  const owner = linkOwner(target);
  return `a symbolic link to ${target}${owner === null ? '' : `, which belongs to ${owner}`}; set dns.symlink to "replace" (a file of our own) or "follow" (write there)`;
}

/** The same without `dns`, and without the options of dhclient that it stands for. */
export function withoutDns(desired: DesiredState): DesiredState {
  const { dns, dhclient } = desired;
  if (dns === null) return desired;
  const options: ReadonlySet<string> = new Set(
    (['domain', 'search', 'nameservers'] as const).flatMap((key) => (dns[key] === null ? [] : DNS_OPTIONS[key])),
  );
  const supersede = new Map([...dhclient.global.supersede].filter(([option]) => !options.has(option)));
  return { ...desired, dns: null, dhclient: { ...dhclient, global: { ...dhclient.global, supersede } } };
}
