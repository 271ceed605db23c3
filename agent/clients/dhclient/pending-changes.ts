/**
 * The changes of a dhclient.conf that wait for the next start of a running dhclient. The dhclient read the file before
 * the change, and no hook can deliver the change. Settings that the hooks do deliver
 * (agent/clients/dhclient/hooks/hook-texts.ts) are left out.
 */
import type { DesiredDhcp } from '../../config/desired.ts';
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { parseConf, type Statement } from './conf/grammar/grammar.ts';
import { lineOf } from './conf/grammar/statement.ts';
import { readConf } from './conf/reader.ts';
import { wantedIn, wantedRequest } from './conf/wanted.ts';
import { type RunningDhclient, staleSince } from './running.ts';
import { readAtStart } from './start-records.ts';

export interface PendingChanges {
  readonly client: RunningDhclient;
  /** The keywords of the statements that differ: `request`, `send host-name`, `timeout`. */
  readonly what: readonly string[];
  /** When the file was changed: milliseconds since the epoch. */
  readonly since: number;
  /** The statements that the next start would read anew; the same text for the same change. */
  readonly change: string;
}

/**
 * null if a new start would change nothing.
 * @param planned the text that is about to be written to the client's file (latin1). Without it, the present file
 * counts.
 */
export function pendingOf(
  host: Host,
  client: RunningDhclient,
  wanted: DesiredDhcp,
  planned: string | null = null,
): PendingChanges | null {
  if (client.owner !== null) return null;
  const changed = staleSince(host, client);
  const since = changed ?? (planned === null ? null : Date.now());
  if (since === null) return null;
  const file = nullIfRefused(() => host.readText(client.confFile)) ?? '';
  const now = planned ?? file;
  const before = changed === null ? file : nullIfRefused(() => readAtStart(host, client));
  const interfaces = client.interfaces.length === 0 ? [null] : client.interfaces;
  const found = interfaces.map((iface) => {
    // The file that dhclient read is unknown. It may or may not have held the wanted request list.
    if (before === null) return asksFor(wanted, iface) ? new Set(['request']) : new Set<string>();
    return differences(before, now, wanted, iface);
  });
  const all = new Set(found.flatMap((one) => [...one]));
  if (all.size === 0) return null;
  const change = [...all].sort().join('\n');
  return { client, what: [...new Set([...all].map(keywordsOf))], since, change };
}

/** Statements, each on one line, that only one of the two files has for this interface. */
function differences(before: string, now: string, wanted: DesiredDhcp, iface: string | null): Set<string> {
  const [then, later] = [before, now].map((text) => linesOf(text, wanted, iface)) as [Set<string>, Set<string>];
  return then.symmetricDifference(later);
}

function linesOf(text: string, wanted: DesiredDhcp, iface: string | null): Set<string> {
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

/** `request` counts by the resulting list, and a definition by its uses. */
const PASSED_OVER: readonly Statement['kind'][] = ['request', 'also request', 'definition'];
const BY_HOOK: readonly Statement['kind'][] = ['supersede', 'default', 'prepend', 'append'];

/** `send host-name`, `timeout`. */
function keywordsOf(line: string): string {
  const [first = '', second = ''] = line.toLowerCase().split(' ');
  return [...BY_HOOK, 'send', 'also', 'option'].includes(first) ? `${first} ${second}` : first;
}

function asksFor(wanted: DesiredDhcp, iface: string | null): boolean {
  const { without, also } = wantedRequest(wanted, iface);
  return without.length + also.length > 0;
}
