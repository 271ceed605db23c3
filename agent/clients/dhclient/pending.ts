/**
 * What of a dhclient.conf waits for the next start of a dhclient that runs: it read the file before it was changed, and no hook
 * can give it this. What the hooks do give (agent/clients/dhclient/hooks/hooks.ts) is not among it.
 */
import type { DesiredDhclient } from '../../config/desired.ts';
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { type DhcpClient, staleSince } from './clients.ts';
import { parseConf, type Statement } from './conf/grammar.ts';
import { readConf } from './conf/reader.ts';
import { lineOf } from './conf/statement.ts';
import { wantedIn, wantedRequest } from './conf/wanted.ts';
import { readAtStart } from './start-records.ts';

export interface Pending {
  readonly client: DhcpClient;
  /** What differs, by its keywords: `request`, `send host-name`, `timeout`. */
  readonly what: readonly string[];
  /** When the file was changed: milliseconds since the epoch. */
  readonly since: number;
  /** What it will read, as far as it differs from what it read: the same for the same change. */
  readonly change: string;
}

/**
 * null: a new start would give it nothing that it has not.
 * @param planned the text that is about to be written to its file (latin1); without it, the file as it is counts.
 */
export function pendingOf(
  host: Host,
  client: DhcpClient,
  wanted: DesiredDhclient,
  planned: string | null = null,
): Pending | null {
  if (client.owner !== null) return null;
  const changed = staleSince(host, client);
  const since = changed ?? (planned === null ? null : Date.now());
  if (since === null) return null;
  const file = nullIfRefused(() => host.readText(client.confFile)) ?? '';
  const now = planned ?? file;
  const before = changed === null ? file : nullIfRefused(() => readAtStart(host, client));
  const interfaces = client.interfaces.length === 0 ? [null] : client.interfaces;
  const found = interfaces.map((iface) => {
    // What it read is not known: what is wanted of its request list may have been in it, or not.
    if (before === null) return asksFor(wanted, iface) ? new Set(['request']) : new Set<string>();
    return differences(before, now, wanted, iface);
  });
  const all = new Set(found.flatMap((one) => [...one]));
  if (all.size === 0) return null;
  const change = [...all].sort().join('\n');
  return { client, what: [...new Set([...all].map(keywordsOf))], since, change };
}

/** Statements, each on one line, that only one of the two files has for this interface. */
function differences(before: string, now: string, wanted: DesiredDhclient, iface: string | null): Set<string> {
  const [then, later] = [before, now].map((text) => linesOf(text, wanted, iface)) as [Set<string>, Set<string>];
  return then.symmetricDifference(later);
}

function linesOf(text: string, wanted: DesiredDhclient, iface: string | null): Set<string> {
  const held = new Set(wantedIn(wanted, iface).map(({ key }) => key));
  const counted = (statements: readonly Statement[]): Statement[] =>
    statements
      .filter(({ live }) => live)
      .flatMap((one) => {
        if (one.kind === 'interface') return one.name === iface ? counted(one.body) : [];
        return PASSED_OVER.includes(one.kind) || (BY_HOOK.includes(one.kind) && held.has(one.option?.key ?? ''))
          ? []
          : [one];
      });
  const { request } = readConf(text, iface);
  return new Set([`request ${request.join(' ')}`, ...counted(parseConf(text).statements).map(lineOf)]);
}

/** `request` counts by what it comes to, and a definition by what it is used for. */
const PASSED_OVER: readonly Statement['kind'][] = ['request', 'also request', 'definition'];
const BY_HOOK: readonly Statement['kind'][] = ['supersede', 'default', 'prepend', 'append'];

/** `send host-name`, `timeout`. */
function keywordsOf(line: string): string {
  const [first = '', second = ''] = line.toLowerCase().split(' ');
  return [...BY_HOOK, 'send', 'also', 'option'].includes(first) ? `${first} ${second}` : first;
}

function asksFor(wanted: DesiredDhclient, iface: string | null): boolean {
  const { without, also } = wantedRequest(wanted, iface);
  return without.length + also.length > 0;
}
