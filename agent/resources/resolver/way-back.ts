/** Checks old name servers before `revert` puts them back. */
import type { ServerAddress } from '../../address/accepted.ts';
import { resolvConfWithoutHook } from '../../clients/dhclient/leases/leases.ts';
import { offeredLease } from '../../clients/dhclient/leases/offered-lease.ts';
import { clientName, dhcpClients, type RunningDhclient } from '../../clients/dhclient/running.ts';
import type { DesiredDns, DesiredVerify } from '../../config/desired.ts';
import { checkNameserver } from '../../config/notation/addresses.ts';
import { MAX_NAMESERVERS } from '../../config/notation/limits.ts';
import { searchProblem } from '../../config/notation/names.ts';
import { verifyServers } from '../../dns/verify.ts';
import { fileLeftover } from '../../hold/files/file-revert.ts';
import { type Original, type OriginalFile, Originals } from '../../hold/originals/originals.ts';
import type { Undoing } from '../../hold/undoing.ts';
import type { Host } from '../../host/host.ts';
import { effectiveValues } from '../../resolver/libc-reading.ts';
import { composeResolvConf, RESOLV_CONF } from '../../resolver/resolv-conf.ts';

export const RESOLVER_UNDOING: Undoing = {
  file: (host, original) => {
    if (original.key !== RESOLV_CONF) return fileLeftover(host, original);
    // Read before dhclient.conf is put back, because that file says which values of a lease are the server's.
    const offered = offeredDns(host);
    return fileLeftover(host, original, { adapt: (before) => asLeased(offered, before, original.after) });
  },
};

/**
 * Why DNS is not put back: the old name servers do not pass `verify`. null if they pass, or if it is unknown which
 * servers libc would ask.
 */
export async function objection(host: Host, found: readonly Original[], verify: DesiredVerify): Promise<string | null> {
  const file = found.find((one): one is OriginalFile => one.kind === 'file' && one.key === RESOLV_CONF);
  if (file?.before == null) return null;
  const { text } = file.link === null ? asLeased(offeredDns(host), file.before, file.after) : { text: file.before };
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

/** What the servers of the running DHCP clients offered for resolv.conf. */
interface OfferedDns {
  /** The lines of each lease that has name servers of its server. */
  readonly texts: readonly string[];
  /** "dhclient[812] on eth0 put configured name servers in place of the server's", or that it may have done so. */
  readonly superseded: readonly string[];
}

/**
 * The earlier resolv.conf with the lease's name servers in place of its own. A running DHCP client writes those at its
 * next renewal anyway, and the earlier servers may be gone. Unchanged if clients disagree, if the lease only has
 * Holdfast's values (`after`), or if the server's values are unknown. `note` describes what a person may not expect, or
 * is null.
 */
function asLeased(
  { texts, superseded }: OfferedDns,
  before: string,
  after: string | null,
): { text: string; note: string | null } {
  const of = (text: string | null) => (effectiveValues(text ?? '', 'nameserver') ?? []).join(' ');
  const [text = ''] = texts;
  const servers = serversIn(text);
  const leased = servers.join(' ');
  const unclear = texts.some((other) => serversIn(other).join(' ') !== leased);
  const earlier = of(before) || 'none';
  if (superseded.length > 0 && leased === '') {
    const why = superseded.join(', and ');
    return {
      text: before,
      note: `with the earlier name servers (${earlier}): the lease's are unknown, because ${why}`,
    };
  }
  if (leased === '' || unclear || leased === of(before) || leased === of(after)) return { text: before, note: null };
  const [domain = null] = namesIn(text, 'domain');
  const search = namesIn(text, 'search');
  const dns: DesiredDns = {
    domain,
    search: search.length === 0 ? null : search,
    nameservers: servers,
    sortlist: null,
    options: null,
    symlink: 'refuse',
    split: null,
    verify: null,
  };
  return {
    text: composeResolvConf(before, dns),
    note: `with the lease's name servers ${leased} in place of ${earlier}`,
  };
}

/** A DHCP server may offer anything: texts that are no addresses are left out. */
function serversIn(text: string): ServerAddress[] {
  const checked = (effectiveValues(text, 'nameserver') ?? []).map(checkNameserver);
  return checked.flatMap((one) => ('value' in one ? one.value : []));
}

/** Texts that are no domain names are left out, as in the hook. dhclient ends a searched domain with a dot. */
function namesIn(text: string, keyword: 'domain' | 'search'): string[] {
  return (effectiveValues(text, keyword) ?? []).filter(
    (name) => searchProblem(name.replace(/(?<=.)\.$/, '')) === undefined,
  );
}

function offeredDns(host: Host): OfferedDns {
  const texts: string[] = [];
  const superseded: string[] = [];
  for (const client of dhcpClients(host)) {
    const earlier = new Originals(host).find('file', client.confFile)?.before ?? host.readText(client.confFile) ?? '';
    for (const name of client.interfaces) {
      const offered = offeredLease(host, client, name, earlier);
      if (offered === null) continue;
      const text = `${resolvConfWithoutHook(offered.lease).join('\n')}\n`;
      if (effectiveValues(text, 'nameserver') !== null) texts.push(text);
      else if (offered.unknown.some((name) => /name-servers$/.test(name)))
        superseded.push(supersedes(client, offered.isConfKnown));
    }
  }
  return { texts, superseded };
}

function supersedes(client: RunningDhclient, isKnown: boolean): string {
  const who = clientName(client);
  if (isKnown) return `${who} put configured name servers in place of the server's`;
  return `${client.confFile} changed after the start of ${who}, which may have put configured name servers in place of the server's`;
}
