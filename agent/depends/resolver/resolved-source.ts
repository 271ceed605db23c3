/** The name servers that systemd-resolved asks now: those of its links, its global ones, and those of dns-delegate files. */
import { linkNames } from '../../clients/link-names.ts';
import { networkdLinks } from '../../clients/networkd/managed-links.ts';
import { RESOLVED_UPLINKS } from '../../clients/resolved.ts';
import { askScopes, readsDelegates } from '../../clients/resolved-scopes.ts';
import type { Host } from '../../host/host.ts';
import { readAsLibc } from '../../resolver/libc-reading.ts';
import type { Dependence, DependsSource } from '../dependence.ts';
import { canonicalAddress } from '../found-addresses.ts';
import type { Surroundings } from '../surroundings.ts';

/** Its record of each link that another program than systemd-networkd told it about, by the link's index. */
const TOLD = '/run/systemd/resolve/netif';

const COMMON = { tense: 'now', source: 'systemd-resolved' } as const;

export function resolvedSource({ host }: Surroundings): DependsSource {
  return {
    name: COMMON.source,
    tense: COMMON.tense,
    async look(addresses) {
      const [daemon] = host.processes('systemd-resolve', 'network');
      if (daemon === undefined) return { found: [], unseen: [] };
      const text = host.readText(RESOLVED_UPLINKS);
      const who = `systemd-resolved[${daemon.pid}]`;
      const delegates = readsDelegates(host) ? ofDelegates(host, who) : [];
      const found = [...ofLinks(host, who), ...ofFile(text ?? '', who), ...(delegates ?? [])];
      const wanted = found.filter(({ address }) => addresses?.has(address) !== false);
      // The links come first: the file repeats their servers.
      const once = wanted.filter(
        (one, at) => one.where !== place(one) || wanted.findIndex(({ address }) => address === one.address) === at,
      );
      const reason = `systemd-resolved runs, and ${RESOLVED_UPLINKS} does not exist, so its global servers could not be seen`;
      const silent =
        'systemd-resolved runs, and resolvectl does not tell what it asks, so its delegates could not be seen';
      const reasons = [...(text === null ? [reason] : []), ...(delegates === null ? [silent] : [])];
      return { found: once, unseen: reasons.map((one) => ({ ...COMMON, reason: one })) };
    },
  };
}

const place = ({ where }: Dependence) => (where.startsWith(RESOLVED_UPLINKS) ? where : '');

function ofLinks(host: Host, who: string): Dependence[] {
  const links = new Map(networkdLinks(host).map(({ name, servers }) => [name, servers]));
  const names = linkNames(host);
  for (const index of host.list(TOLD)) {
    const name = names.get(index);
    const servers = /^SERVERS=(.*)$/m.exec(host.readText(`${TOLD}/${index}`) ?? '')?.[1]?.split(' ') ?? [];
    if (name !== undefined && !links.has(name)) links.set(name, servers);
  }
  return [...links].flatMap(([name, servers]) =>
    servers.flatMap((server): Dependence[] => {
      const address = canonicalAddress(bare(server));
      if (address === null) return [];
      const cure = `\`agent apply\` with dns.nameservers, or: resolvectl dns ${name} NEW-SERVER`;
      const reason = `systemd-resolved asks it for the link ${name}`;
      return [{ ...COMMON, address, who, where: `link ${name} (resolvectl dns ${name})`, reason, cure }];
    }),
  );
}

function ofFile(text: string, who: string): Dependence[] {
  return readAsLibc(text).lines.flatMap(({ line, keyword, values }): Dependence[] => {
    const address = keyword === 'nameserver' ? canonicalAddress(values[0] ?? '') : null;
    if (address === null) return [];
    const cure = 'correct DNS= in resolved.conf or its drop-ins, then: systemctl restart systemd-resolved';
    return [
      { ...COMMON, address, who, where: `${RESOLVED_UPLINKS}:${line}`, reason: 'systemd-resolved asks it', cure },
    ];
  });
}

/** No file in /run shows them (systemd 262). null if systemd-resolved does not answer. */
function ofDelegates(host: Host, who: string): Dependence[] | null {
  const scopes = askScopes(host);
  if (scopes === null) return null;
  const delegates = scopes.filter(({ kind }) => kind === 'delegate');
  return delegates.flatMap(({ name, servers, domains }) =>
    servers.flatMap((server): Dependence[] => {
      const address = canonicalAddress(bare(server));
      if (address === null) return [];
      const reason = `systemd-resolved asks it for ${domains.map((one) => one.replace(/^~/, '')).join(', ')}`;
      const cure = `correct DNS= in ${name}.dns-delegate, then: systemctl reload systemd-resolved`;
      return [{ ...COMMON, address, who, where: `delegate ${name} (resolvectl dns)`, reason, cure }];
    }),
  );
}

/** Without port and name: `10.0.0.1:53#dns.example`, `[2001:db8::1]:53`. */
function bare(server: string): string {
  const [address = ''] = server.replace(/^\[([^\]]*)\].*$/, '$1').split('#', 1);
  return address.replace(/^(\d+(?:\.\d+){3}):\d+$/, '$1');
}
