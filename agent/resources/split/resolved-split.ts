/**
 * systemd-resolved asks some domains at their own servers: as its global servers, with routing domains. A link of our own
 * would not do, since systemd-resolved sends a link's questions out by that link. If a link has the domain `~.`, the
 * global servers get no question for other names (test/systems/split-resolved.test.ts).
 */
import { wantedDomains } from '../../clients/networkd/drop-in.ts';
import { answersAfterStart, resolvedLinks } from '../../clients/resolved.ts';
import { askScopes, type ResolvedScope, readsDelegates } from '../../clients/resolved-scopes.ts';
import type { DesiredDns, DesiredSplit } from '../../config/desired.ts';
import { isWithin } from '../../config/notation/split-domains.ts';
import type { Finding } from '../../hold/resource.ts';
import { iniLines } from '../../host/files/ini.ts';
import type { Host } from '../../host/host.ts';
import { delegateFindings, stillDelegates } from './delegate-split.ts';
import { pastResolved, RESOLVED_FOLDERS, RESOLVED_SPLIT_FILE } from './resolved-files.ts';
import { scopesFinding } from './scopes-finding.ts';
import { splitFile, splitZones } from './split-view.ts';

const UNIT = 'systemd/system/systemd-resolved.service';

function resolvedSplitText(split: readonly DesiredSplit[]): string {
  const domains = splitZones(split).map(({ domain }) => `~${domain}`);
  return `# Made by Holdfast ("agent apply") from its configuration; changes here are overwritten.
[Resolve]
DNS=${split[0]?.servers.join(' ')}
Domains=${domains.join(' ')}
`;
}

export async function resolvedFindings(
  host: Host,
  dns: DesiredDns,
  split: readonly DesiredSplit[],
): Promise<Finding[]> {
  if (readsDelegates(host)) return delegateFindings(host, dns, split);
  const refusal = refusalOf(host, dns, split) ?? undefined;
  const file = await splitFile(host, split, { key: RESOLVED_SPLIT_FILE, wanted: resolvedSplitText(split), refusal });
  return [
    ...(file === null ? [] : [file]),
    scopesFinding(host, split, refusal, (scopes) => problemOf(host, scopes, split)),
  ];
}

/** Why the running systemd-resolved does not split as wanted, with the cure; null if it does. */
function problemOf(
  host: Host,
  [global, ...links]: readonly ResolvedScope[],
  split: readonly DesiredSplit[],
): string | null {
  const same = (some: readonly string[], others: readonly string[]) =>
    String([...some].sort()) === String([...others].sort());
  const domains = splitZones(split).map(({ domain }) => domain);
  const wanted = domains.map((one) => `~${one}`);
  const { servers, domains: present } = global ?? { servers: [], domains: [] };
  if (!same(servers, split[0]?.servers ?? []) || !same(present, wanted))
    return pendingReason(
      host,
      present.filter((one) => !wanted.includes(one)),
    );
  const asking = links.filter((link) => link.servers.length > 0);
  if (!asking.some(({ domains: all }) => all.includes('~.')))
    return 'no link has the domain ~., so systemd-resolved asks these servers for every other name as well';
  for (const { name, domains: all } of asking) {
    const taken = all.find((one) => domains.some((domain) => isWithin(one.replace(/^~/, ''), domain)));
    if (taken !== undefined)
      return `${name} has the domain ${taken}, so systemd-resolved asks the servers of ${name} for it as well`;
  }
  return null;
}

/** The obstacle to a split on this host, with the cure; null if there is none. */
function refusalOf(host: Host, dns: DesiredDns, split: readonly DesiredSplit[]): string | null {
  const lists = new Set(split.map(({ servers }) => [...servers].sort().join(' ')));
  if (lists.size > 1)
    return 'systemd-resolved has one list of servers beside those of its links: give all entries of dns.split the same servers, or run dnsmasq or unbound';
  const past = pastResolved(host);
  if (past !== null) return past;
  const links = resolvedLinks(host, dns);
  if (links.length === 0 && !answersAfterStart(host, dns))
    return 'Holdfast holds a split in systemd-resolved only where systemd-networkd owns the links: run dnsmasq or unbound';
  const domains = wantedDomains(dns);
  if (dns.nameservers === null || domains === null)
    return 'systemd-resolved would ask these servers for every other name as well: write dns.nameservers and dns.search ("." for no suffix), which Holdfast holds on the links';
  const searched = domains.find((one) => splitZones(split).some(({ domain }) => isWithin(one, domain)));
  if (searched !== undefined)
    return `dns.search has ${searched}, so systemd-resolved would ask dns.nameservers for it as well: take it out of dns.search or of dns.split`;
  return theirServers(host) ?? copying(host);
}

/** Another file's global servers would be asked for the split domains as well. */
function theirServers(host: Host): string | null {
  const files = RESOLVED_FOLDERS.flatMap((folder) => [
    `${folder}/resolved.conf`,
    ...host.list(`${folder}/resolved.conf.d`).map((name) => `${folder}/resolved.conf.d/${name}`),
  ]);
  const found = files
    .filter((file) => file.endsWith('.conf') && file !== RESOLVED_SPLIT_FILE)
    .flatMap((file) => iniLines(host, file))
    .find(({ key, value }) => ['DNS', 'Domains'].includes(key) && value !== '');
  if (found === undefined) return null;
  return `${found.file}:${found.line} gives systemd-resolved global servers or domains already (${found.key}=${found.value}): take the line out`;
}

/** They give /run/systemd/resolve/resolv.conf to containers, where the global servers come first. */
function copying(host: Host): string | null {
  const engine = ['dockerd', 'kubelet'].find((name) => host.processes(name, 'network').length > 0);
  if (engine === undefined) return null;
  return `${engine} gives containers the servers of systemd-resolved, those of a split first, and they would ask these for every name: run dnsmasq or unbound`;
}

/**
 * systemd-resolved before 257 has no reload. A reload of 257 and later replaces the global servers, and only adds to the
 * global domains. Both lose the questions that wait at that moment. `outdated`: domains that must go.
 */
function pendingReason(host: Host, outdated: readonly string[]): string {
  const hasReload = canReload(host);
  const [when, verb] = outdated.length === 0 && hasReload ? ['reload', 'reload'] : ['start', 'restart'];
  const names = outdated.map((one) => one.replace(/^~/, '')).join(', ');
  const still =
    outdated.length === 0
      ? ''
      : ` Until then it asks these servers for ${names} as well${hasReload ? ', also after a reload' : ''}.`;
  return `pending: systemd-resolved reads the file at its next ${when}, which loses the questions of some milliseconds.${still} When it suits you: systemctl ${verb} systemd-resolved`;
}

function canReload(host: Host): boolean {
  const text = ['/usr/lib', '/lib'].map((folder) => host.readText(`${folder}/${UNIT}`)).find((one) => one !== null);
  return /^(Type=notify-reload|ExecReload=)/m.test(text ?? '');
}

/** The step that is left after this file of ours is gone; null if systemd-resolved no longer asks its servers. */
export function stillSplits(host: Host, file: string, text: string | null): string | null {
  if (!host.live) return null;
  if (file !== RESOLVED_SPLIT_FILE) return stillDelegates(host, file);
  const servers = /^DNS=(.*)$/m.exec(text ?? '')?.[1]?.split(' ') ?? [];
  const [global] = askScopes(host) ?? [];
  if (global === undefined || !global.servers.some((server) => servers.includes(server))) return null;
  return 'pending: systemd-resolved forgets its servers and domains at its next start, which loses the questions of some milliseconds. When it suits you: systemctl restart systemd-resolved';
}
