/**
 * systemd-resolved from 258 on asks some domains at their own servers by files of its own (systemd.dns-delegate(5)): one
 * file for each list of servers. Unlike global servers, these servers get no question for another name, and a reload also
 * forgets domains (test/systems/split-delegate.test.ts).
 */
import { wantedDomains } from '../../clients/networkd/drop-in.ts';
import { askScopes, type ResolvedScope, resolvedScopes } from '../../clients/resolved-scopes.ts';
import type { DesiredDns, DesiredSplit } from '../../config/desired.ts';
import { isWithin } from '../../config/notation/split-domains.ts';
import type { Finding } from '../../hold/resource.ts';
import { iniLines } from '../../host/files/ini.ts';
import type { Host } from '../../host/host.ts';
import {
  bareDomain,
  dnsDelegates,
  pastResolved,
  RESOLVED_SPLIT_FILE,
  resolvedConfFiles,
  wordsOfKey,
} from './resolved-files.ts';
import { scopesFinding } from './scopes-finding.ts';
import { isOfResolved, SPLIT_FILE, splitFile, splitZones } from './split-view.ts';

const FOLDER = '/etc/systemd/dns-delegate.d';
const ENDING = '.dns-delegate';
const COMMAND = 'systemctl reload systemd-resolved';

/** The wanted content of one of our files. */
interface WantedDelegate {
  readonly id: string;
  readonly servers: readonly string[];
  /** Without `~`. */
  readonly domains: readonly string[];
}

export async function delegateFindings(
  host: Host,
  dns: DesiredDns,
  split: readonly DesiredSplit[],
): Promise<Finding[]> {
  const wanted = wantedDelegates(split);
  const refusal = refusalOf(host, dns, split) ?? undefined;
  const files = await Promise.all(
    wanted.map((one) => splitFile(host, split, { key: fileOf(one.id), wanted: delegateText(one), refusal })),
  );
  return [
    ...files.filter((one) => one !== null),
    scopesFinding(host, split, refusal, (scopes) => problemOf(host, scopes, wanted)),
  ];
}

function fileOf(id: string): string {
  return `${FOLDER}/${id}${ENDING}`;
}

function wantedDelegates(split: readonly DesiredSplit[]): WantedDelegate[] {
  const lists = Map.groupBy(splitZones(split), ({ servers }) => [...servers].sort().join(' '));
  return [...lists.values()].map((zones, n) => {
    return { id: `${SPLIT_FILE}-${n + 1}`, servers: zones[0]!.servers, domains: zones.map(({ domain }) => domain) };
  });
}

function delegateText({ servers, domains }: WantedDelegate): string {
  return `# Made by Holdfast ("agent apply") from its configuration; changes here are overwritten.
[Delegate]
DNS=${servers.join(' ')}
Domains=${domains.map(routed).join(' ')}
`;
}

/** Why the running systemd-resolved does not split as wanted, with the cure; null if it does. */
function problemOf(host: Host, scopes: readonly ResolvedScope[], wanted: readonly WantedDelegate[]): string | null {
  if (!isInForce(scopes, wanted))
    return host.lstat(RESOLVED_SPLIT_FILE) === null
      ? `pending: systemd-resolved reads the file at its next reload, which loses the questions of some milliseconds. When it suits you: ${COMMAND}`
      : 'pending: systemd-resolved reads the file at its next start, which loses the questions of some milliseconds (after an upgrade, systemd-resolved of the earlier systemd may still run). When it suits you: systemctl restart systemd-resolved';
  const all = wanted.flatMap(({ domains }) => domains);
  for (const scope of scopes) {
    if (isOurs(scope) || scope.servers.length === 0) continue;
    const taken = scope.domains.find((one) => isTaken(one, all));
    if (taken === undefined) continue;
    const who = scope.kind === 'global' ? 'systemd-resolved itself' : `${scope.kind} ${scope.name}`;
    const cure = scope.kind === 'link' ? '' : '. If no file names it any more: systemctl restart systemd-resolved';
    return `${who} has the domain ${taken}, so systemd-resolved asks ${scope.servers.join(' and ')} for it as well${cure}`;
  }
  return null;
}

/** Whether systemd-resolved has exactly these delegates of ours. */
function isInForce(scopes: readonly ResolvedScope[], wanted: readonly WantedDelegate[]): boolean {
  const ours = scopes.filter(isOurs).map(({ name, servers, domains }) => sameText(name, servers, domains));
  const told = wanted.map(({ id, servers, domains }) => sameText(id, servers, domains.map(routed)));
  return String(ours.sort()) === String(told.sort());
}

/**
 * Whether the file of global servers must stay: systemd-resolved runs without our delegates, as the one of the earlier
 * systemd does after an upgrade. Without the file its next reload would end the split.
 */
export function needsGlobalServers(host: Host, split: readonly DesiredSplit[]): boolean {
  if (!host.live || host.processes('systemd-resolve', 'network').length === 0) return false;
  const scopes = resolvedScopes(host);
  return scopes === null || !isInForce(scopes, wantedDelegates(split));
}

const isOurs = ({ kind, name }: ResolvedScope) => kind === 'delegate' && name.startsWith(SPLIT_FILE);
const routed = (domain: string) => `~${domain}`;
const isTaken = (word: string, domains: readonly string[]) =>
  domains.some((domain) => isWithin(bareDomain(word).toLowerCase(), domain));

function sameText(id: string, servers: readonly string[], domains: readonly string[]): string {
  return `${id} ${[...servers].sort()} ${[...domains].sort()}`;
}

/** The obstacle to a split on this host, with the cure; null if there is none. */
function refusalOf(host: Host, dns: DesiredDns, split: readonly DesiredSplit[]): string | null {
  const domains = splitZones(split).map(({ domain }) => domain);
  const searched = wantedDomains(dns)?.find((one) => isTaken(one, domains));
  if (searched !== undefined)
    return `dns.search has ${searched}, so systemd-resolved would ask dns.nameservers for it as well: take it out of dns.search or of dns.split`;
  return pastResolved(host) ?? theirDomains(host, domains);
}

/** systemd-resolved asks the servers of both if another file has one of the domains, or a name below it. */
function theirDomains(host: Host, domains: readonly string[]): string | null {
  const global = resolvedConfFiles(host)
    .filter((file) => !(isOfResolved(file) && file.includes(SPLIT_FILE)))
    .flatMap((file) => iniLines(host, file));
  const delegates = dnsDelegates(host).filter(({ id }) => !id.startsWith(SPLIT_FILE));
  const words = [global, ...delegates.map(({ lines }) => lines)].flatMap((lines) => {
    return wordsOfKey(lines, 'DNS').length === 0 ? [] : wordsOfKey(lines, 'Domains');
  });
  const found = words.find(({ word }) => isTaken(word, domains));
  return found === undefined
    ? null
    : `${found.place} gives systemd-resolved servers for ${found.word.replace(/^~/, '')} already: take the domain out there or out of dns.split`;
}

/** The step that is left after this file of ours is gone; null if systemd-resolved no longer asks its servers. */
export function stillDelegates(host: Host, file: string): string | null {
  const scopes = askScopes(host) ?? [];
  if (!scopes.some(({ kind, name }) => kind === 'delegate' && fileOf(name) === file)) return null;
  return `pending: systemd-resolved forgets these servers and domains at its next reload, which loses the questions of some milliseconds. When it suits you: ${COMMAND}`;
}
