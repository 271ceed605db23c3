/**
 * libc's view of the host if resolv.conf is a link to a file that systemd-resolved writes. A program that writes to
 * resolv.conf writes into that file, and systemd-resolved does not notice until a link changes.
 */
import type { Host } from '../host/host.ts';
import { effectiveValues } from '../resolver/libc-reading.ts';
import { RESOLV_CONF } from '../resolver/resolv-conf.ts';
import type { NetworkdLink } from './networkd/managed-links.ts';
import { ownsResolvConf } from './resolved.ts';

/** The address where systemd-resolved listens for libc. */
const STUB = '127.0.0.53';

export interface LibcView {
  readonly file: string;
  readonly servers: readonly string[];
  readonly search: readonly string[];
}

/**
 * The servers and domains that libc reads, if they differ from those of this link. null if they agree, or if
 * resolv.conf is no link to a file of systemd-resolved. Links that are not up yet are missing in that file.
 * @param wanted name servers, and domains as resolvectl takes them; null: not configured.
 */
export function writtenThrough(
  host: Host,
  { routable, domains }: NetworkdLink,
  wanted: { readonly servers: readonly string[] | null; readonly domains: readonly string[] | null },
): LibcView | null {
  if (!ownsResolvConf(host)) return null;
  const file = host.target(RESOLV_CONF);
  const text = (host.readText(file) ?? '').toLowerCase();
  const servers = effectiveValues(text, 'nameserver') ?? [];
  const search = effectiveValues(text, 'search') ?? [];
  // Without its stub, systemd-resolved links this file to the file with the servers of all links.
  const asks = file.endsWith('/stub-resolv.conf')
    ? String(servers) === STUB
    : !routable || (wanted.servers ?? []).every((server) => servers.includes(server.toLowerCase()));
  // systemd 247 writes only as many domains as libc once took, so only the first domain is certainly in the file.
  const first = wanted.domains?.find((domain) => !domain.startsWith('~'))?.toLowerCase();
  // A domain that the link itself lacks is also missing in the file. No other program removed it.
  const told = domains.some((domain) => domain.toLowerCase().replace(/\.$/, '') === first?.replace(/\.$/, ''));
  const searches = !routable || first === undefined || !told || search.includes(first.replace(/\.$/, ''));
  return asks && searches ? null : { file, servers, search };
}
