/** The domains that systemd-resolved asks at servers of their own, and those of its links. */
import { STUBS } from '../../../clients/resolved.ts';
import { askScopes, readsDelegates } from '../../../clients/resolved-scopes.ts';
import type { SplitFacts, SplitLine } from '../../../config/init/host-facts.ts';
import { type IniLine, iniLines } from '../../../host/files/ini.ts';
import type { Host } from '../../../host/host.ts';
import {
  bareDomain,
  dnsDelegates,
  placeOfIni,
  RESOLVED_SPLIT_FILE,
  resolvedConfFiles,
  wordsOfKey,
} from '../../../resources/split/resolved-files.ts';
import { SPLIT_FILE } from '../../../resources/split/split-view.ts';

const NO = /^(no|false|off|n|f|0|)$/i;

export function resolvedSplitFacts(host: Host): SplitFacts {
  const options = resolvedConfFiles(host)
    .filter((file) => file !== RESOLVED_SPLIT_FILE)
    .flatMap((file) => iniLines(host, file))
    .filter(({ section }) => section === 'Resolve');
  const tls = options.findLast(({ key }) => key === 'DNSOverTLS');
  const doubt = tls === undefined || NO.test(tls.value) ? null : `dns.split has no DNSOverTLS (${placeOfIni(tls)})`;
  const servers = serversIn(options);
  const domains = wordsOfKey(options, 'Domains').filter(({ word }) => word.startsWith('~') && word !== '~.');
  const global = domains.map(({ word, place }) => {
    return { place, domains: [bareDomain(word)], servers, doubt: doubt ?? (servers.length === 0 ? NO_SERVER : null) };
  });
  const others = readsDelegates(host) ? delegated(host, doubt) : null;
  return {
    lines: [...global, ...(others ?? [])],
    inactive:
      others === null
        ? 'systemd-resolved has these servers and domains by its own files, and asks global servers for every name unless a link has ~.: take the lines out there, write dns.nameservers and dns.search, and uncomment this'
        : 'systemd-resolved has these servers and domains by its own files, and asks the servers of two files if both have a domain: take the lines out there, and uncomment this',
    notes: ofLinks(host),
    advice: null,
  };
}

const NO_SERVER = 'systemd-resolved has no global server for it';

const serversIn = (options: readonly IniLine[]) =>
  wordsOfKey(options, 'DNS')
    .map(({ word }) => word)
    .filter((word) => !STUBS.includes(word));

/** A delegate asks its servers for each of its domains, with or without `~`. */
function delegated(host: Host, tls: string | null): SplitLine[] {
  return dnsDelegates(host)
    .filter(({ id }) => !id.startsWith(SPLIT_FILE))
    .flatMap(({ lines }) => {
      const further = lines.find(({ key, value }) => {
        return key === 'FirewallMark' ? value !== '' : key === 'DefaultRoute' && !NO.test(value);
      });
      const doubt = further === undefined ? tls : `dns.split has no ${further.key} (${placeOfIni(further)})`;
      return wordsOfKey(lines, 'Domains').map(({ word, place }) => {
        return { place, domains: [bareDomain(word)], servers: serversIn(lines), doubt };
      });
    });
}

/** A VPN gives its link the domains, and they go with the link. Nothing on disk says so for every program. */
function ofLinks(host: Host): string[] {
  if (!host.live) return [];
  return (askScopes(host) ?? []).flatMap(({ kind, name, servers, domains }) => {
    if (kind !== 'link') return [];
    const routed = domains.filter((domain) => domain.startsWith('~') && domain !== '~.').map(bareDomain);
    if (routed.length === 0) return [];
    const asked = servers.length === 0 ? 'no server' : servers.join(' and ');
    return `link ${name} asks ${asked} for ${routed.join(', ')}: this comes and goes with the link (a VPN, a .network file), and stays there`;
  });
}
