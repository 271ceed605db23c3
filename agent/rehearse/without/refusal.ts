/** Why a rehearsal without an address would do harm that no operator wants. */
import { askNameServer } from '../../dns/ask.ts';
import { lookUp } from '../../dns/lookup.ts';
import type { Host } from '../../host/host.ts';
import { effectiveValues } from '../../resolver/libc-reading.ts';
import { RESOLV_CONF } from '../../resolver/resolv-conf.ts';

/** The servers behind systemd-resolved's own address. */
const RESOLVED_UPLINKS = '/run/systemd/resolve/resolv.conf';
/** Milliseconds for another server's answer. */
const TIMEOUT = 1_500;
/** Answers after which the C library asks the next server. */
const USELESS: readonly string[] = ['SERVFAIL', 'REFUSED', 'NOTIMP', 'FORMERR'];

export interface WayOut {
  /** Base URL of the collector; null if there is none. */
  readonly endpoint: string | null;
  /** The address that the operator's terminal comes from (SSH_CONNECTION); null if it is no such terminal. */
  readonly terminal: string | null;
}

/** Each reason as a sentence; empty if the rehearsal may begin. `address` in canonical form. */
export async function refusals(host: Host, address: string, { endpoint, terminal }: WayOut): Promise<string[]> {
  const servers = serversOf(host);
  const others = servers.filter((server) => server !== address);
  const working = servers.includes(address) ? await Promise.all(others.map(answers)) : [true];
  const collector = endpoint === null ? null : new URL(endpoint).hostname.replace(/^\[(.*)\]$/, '$1');
  const isCollector = collector !== null && (await addressesOf(host, collector)).includes(address);
  return [
    ...(working.includes(true) ? [] : [`${address} is the only name server of this host that works`]),
    ...(isCollector ? [`${address} is the collector that this host reports to (${endpoint})`] : []),
    ...(terminal === address ? [`your own terminal comes from ${address}, and would be cut off`] : []),
  ];
}

/** The name servers of this host's own programs, without zones. */
function serversOf(host: Host): string[] {
  const of = (file: string) => effectiveValues(host.readTextUnlessAstray(file) ?? '', 'nameserver') ?? [];
  return [...new Set([...of(RESOLV_CONF), ...of(RESOLVED_UPLINKS)].map((server) => server.replace(/%.*/, '')))];
}

async function answers(server: string): Promise<boolean> {
  const [answer] = await askNameServer(server, [{ name: '', type: 'NS' }], { timeout: TIMEOUT });
  return answer?.kind === 'answer' && !USELESS.includes(answer.rcode);
}

async function addressesOf(host: Host, name: string): Promise<readonly string[]> {
  return /^[0-9.]+$|:/.test(name) ? [name] : ((await lookUp(host, name)) ?? []);
}
