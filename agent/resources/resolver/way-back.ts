/** Checks old name servers before `revert` puts them back. */

import { currentLease, resolvConfWithoutHook } from '../../clients/dhclient/leases.ts';
import { dhcpClients } from '../../clients/dhclient/running-dhclients.ts';
import type { DesiredDns, DesiredVerify } from '../../config/desired.ts';
import { MAX_NAMESERVERS } from '../../config/notation/limits.ts';
import { verifyServers } from '../../dns/verify.ts';
import { fileLeftover } from '../../hold/file-revert.ts';
import type { Original, OriginalFile } from '../../hold/originals/originals.ts';
import type { Undoing } from '../../hold/undoing.ts';
import type { Host } from '../../host/host.ts';
import { effectiveValues } from '../../resolver/libc-reading.ts';
import { composeResolvConf, RESOLV_CONF } from '../../resolver/resolv-conf.ts';

export const RESOLVER_UNDOING: Undoing = {
  file: (host, original) => {
    if (original.key !== RESOLV_CONF) return fileLeftover(host, original);
    return fileLeftover(host, original, { adapt: (before) => asLeased(host, before, original.after) });
  },
};

/**
 * Why DNS is not put back: the old name servers do not pass `verify`. null if they pass, or if it is unknown which
 * servers libc would ask.
 */
export async function objection(host: Host, found: readonly Original[], verify: DesiredVerify): Promise<string | null> {
  const file = found.find((one): one is OriginalFile => one.kind === 'file' && one.key === RESOLV_CONF);
  if (file?.before == null) return null;
  const { text } = file.link === null ? asLeased(host, file.before, file.after) : { text: file.before };
  const servers = (effectiveValues(text, 'nameserver') ?? []).slice(0, MAX_NAMESERVERS);
  if (servers.length === 0) return null;
  const options = effectiveValues(text, 'options') ?? [];
  const quorum = Math.min(verify.quorum, servers.length);
  const verdicts = await verifyServers(servers, { ...verify, quorum }, { options });
  const wrong = verdicts.filter(({ complaint }) => complaint !== null);
  if (verdicts.length - wrong.length >= quorum) return null;
  const each = wrong.map(({ server, complaint }) => `${server}: ${complaint}`).join('; ');
  return `DNS is not put back, because the earlier name servers do not answer for ${verify.name}: ${each}; to put DNS back anyway, take dns.verify out of the configuration`;
}

/**
 * The earlier resolv.conf with the lease's name servers in place of its own. A running DHCP client writes those at its
 * next renewal anyway, and the earlier servers may be gone. Unchanged if clients disagree, or if the lease only has
 * Holdfast's values (`after`). `note` describes the replacement, or is null.
 */
function asLeased(host: Host, before: string, after: string | null): { text: string; note: string | null } {
  const texts = leasedTexts(host);
  const of = (text: string | null) => (effectiveValues(text ?? '', 'nameserver') ?? []).join(' ');
  const leased = of(texts[0] ?? null);
  const unclear = texts.some((text) => of(text) !== leased);
  if (leased === '' || unclear || leased === of(before) || leased === of(after)) return { text: before, note: null };
  const text = texts[0] as string;
  const dns: DesiredDns = {
    domain: effectiveValues(text, 'domain')?.[0] ?? null,
    search: effectiveValues(text, 'search') as string[] | null,
    nameservers: effectiveValues(text, 'nameserver') as string[] | null,
    sortlist: null,
    options: null,
    symlink: 'refuse',
    verify: null,
  };
  const note = `with the lease's name servers ${leased} in place of ${of(before) || 'none'}`;
  return { text: composeResolvConf(before, dns), note };
}

/** The lines that each running dhclient writes at its next renewal, for those that write name servers. */
function leasedTexts(host: Host): string[] {
  const leases = dhcpClients(host).flatMap((client) => {
    return client.interfaces.map((name) => currentLease(host, client, name)).filter((lease) => lease !== null);
  });
  return leases
    .map((lease) => `${resolvConfWithoutHook(lease).join('\n')}\n`)
    .filter((text) => effectiveValues(text, 'nameserver') !== null);
}
