/** The domains that systemd-resolved asks at its global servers, and those of its links. */
import { STUBS } from '../../../clients/resolved.ts';
import type { SplitFacts } from '../../../config/init/host-facts.ts';
import { type IniLine, iniLines } from '../../../host/files/ini.ts';
import type { Host } from '../../../host/host.ts';
import { askScopes } from '../../../resources/split/resolved-scopes.ts';
import { RESOLVED_FOLDERS, RESOLVED_SPLIT_FILE } from '../../../resources/split/resolved-split.ts';

export function resolvedSplitFacts(host: Host): SplitFacts {
  const options = configurationFiles(host)
    .filter((file) => file !== RESOLVED_SPLIT_FILE)
    .flatMap((file) => iniLines(host, file))
    .filter(({ section }) => section === 'Resolve');
  const tls = options.findLast(({ key }) => key === 'DNSOverTLS');
  const doubt =
    tls === undefined || /^(no|false|off|n|f|0|)$/i.test(tls.value)
      ? null
      : `dns.split has no DNSOverTLS (${placeOf(tls)})`;
  const servers = wordsOf(options, 'DNS').map(({ word }) => word);
  const domains = wordsOf(options, 'Domains').filter(({ word }) => word.startsWith('~') && word !== '~.');
  return {
    lines: domains.map(({ word, place }) => ({ place, domains: [bare(word)], servers, doubt: doubt ?? none(servers) })),
    inactive:
      'systemd-resolved has these servers and domains by its own files, and asks global servers for every name unless a link has ~.: take the lines out there, write dns.nameservers and dns.search, and uncomment this',
    notes: ofLinks(host),
    advice: null,
  };
}

const none = (servers: readonly string[]) =>
  servers.length === 0 ? 'systemd-resolved has no global server for it' : null;

const placeOf = ({ file, line }: IniLine) => `${file}:${line}`;
const bare = (domain: string) => domain.replace(/^~/, '').replace(/(.)\.$/, '$1');

/** In the order in which systemd-resolved reads them. The first folder wins if two have a file of the same name. */
function configurationFiles(host: Host): string[] {
  const main = RESOLVED_FOLDERS.map((folder) => `${folder}/resolved.conf`).find((file) => host.stat(file) !== null);
  const byName = new Map<string, string>();
  for (const folder of RESOLVED_FOLDERS.toReversed().map((one) => `${one}/resolved.conf.d`)) {
    for (const name of host.list(folder)) if (name.endsWith('.conf')) byName.set(name, `${folder}/${name}`);
  }
  const dropIns = [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, file]) => file);
  return main === undefined ? dropIns : [main, ...dropIns];
}

/** Lines of one key add up, and an empty one forgets those before. */
function wordsOf(options: readonly IniLine[], wanted: string): { readonly word: string; readonly place: string }[] {
  const lines = options.filter(({ key }) => key === wanted);
  return lines.slice(lines.findLastIndex(({ value }) => value === '') + 1).flatMap((line) => {
    return line.value
      .split(/\s+/)
      .filter((word) => word !== '' && !STUBS.includes(word))
      .map((word) => ({ word, place: placeOf(line) }));
  });
}

/** A VPN gives its link the domains, and they go with the link. Nothing on disk says so for every program. */
function ofLinks(host: Host): string[] {
  if (!host.live) return [];
  return (askScopes(host) ?? []).slice(1).flatMap(({ name, servers, domains }) => {
    const routed = domains.filter((domain) => domain.startsWith('~') && domain !== '~.').map(bare);
    if (routed.length === 0) return [];
    const asked = servers.length === 0 ? 'no server' : servers.join(' and ');
    return `link ${name} asks ${asked} for ${routed.join(', ')}: this comes and goes with the link (a VPN, a .network file), and stays there`;
  });
}
