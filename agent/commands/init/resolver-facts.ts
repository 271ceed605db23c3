/**
 * The DNS settings that `agent init` takes over: resolv.conf as libc reads it, or the links' values if systemd-resolved
 * answers.
 */
import type { NetworkdLink } from '../../clients/networkd/managed-links.ts';
import { refusedLink } from '../../clients/refused-link.ts';
import { linksWithServers, ownsResolvConf, RESOLVED_UPLINKS, resolvedLinks } from '../../clients/resolved.ts';
import { compile } from '../../config/compile.ts';
import type { ResolverFacts } from '../../config/init/host-facts.ts';
import type { Host } from '../../host/host.ts';
import { readAsLibc } from '../../resolver/libc-reading.ts';
import { composeResolvConf, RESOLV_CONF } from '../../resolver/resolv-conf.ts';

export const NO_RESOLVER: ResolverFacts = { lines: [], unused: [], refusals: [] };

export function resolverFacts(host: Host): ResolverFacts {
  const links = linksWithServers(resolvedLinks(host, UNSAID));
  if (links.length > 0) return ofLinks(links);
  const resolved = ownsResolvConf(host);
  const refused = refusedLink(host, UNSAID);
  const refusal = refused !== null ? `${RESOLV_CONF} is ${refused}` : resolved ? LATER : null;
  const file = resolved ? RESOLVED_UPLINKS : RESOLV_CONF;
  return ofText(file, host.readTextUnlessAstray(file) ?? '', refusal);
}

/** The default of `dns.symlink`, with no other setting. */
export const UNSAID = {
  symlink: 'refuse',
  domain: null,
  search: null,
  nameservers: null,
  sortlist: null,
  options: null,
  split: null,
  verify: null,
} as const;

const LATER = `systemd-resolved answers here once systemd-networkd runs; "agent init" sees then what the links have`;

/** `text`: latin1. `refusal`: why no value is taken over. */
export function ofText(file: string, text: string, refusal: string | null = null): ResolverFacts {
  const { lines, unused } = readAsLibc(text);
  const rest = lines.length === 0 ? '' : '; what stands there now, for you to uncomment:';
  return {
    lines: lines.map(({ line, keyword, values }) => {
      return {
        place: `${file}:${line}`,
        keyword,
        values: keyword === 'nameserver' ? values : asMeant(keyword, values),
      };
    }),
    unused: unused.map(({ line, why }) => ({ place: `${file}:${line}`, why })),
    refusals: refusal === null ? [] : [refusal, `so nothing of DNS is taken over${rest}`],
  };
}

/**
 * dhclient-script writes `search example.com.`: for libc the final dot means nothing. Words after `#` are meant as a
 * comment.
 */
function asMeant(keyword: string, values: readonly string[]): string[] {
  const comment = values.findIndex((word) => /^[#;]/.test(word));
  const words = comment === -1 ? [...values] : values.slice(0, comment);
  return keyword === 'domain' || keyword === 'search' ? words.map((word) => word.replace(/(?<=.)\.$/, '')) : words;
}

function ofLinks(links: readonly NetworkdLink[]): ResolverFacts {
  const search = ({ domains }: NetworkdLink) => domains.filter((domain) => !domain.startsWith('~'));
  const describe = (link: NetworkdLink) => [...link.servers, ...search(link).map((name) => `search ${name}`)].join(' ');
  const [first] = links;
  if (first === undefined) return NO_RESOLVER;
  if (links.some((link) => describe(link) !== describe(first))) {
    const each = links.map((link) => `${link.name}: ${describe(link)}`).join('; ');
    const refusal = `systemd-networkd's links differ (${each}), and dns is one for the host: write what all are to have`;
    return { ...NO_RESOLVER, refusals: [refusal] };
  }
  const place = `systemd-networkd's link ${first.name}`;
  const lines = [
    { place, keyword: 'nameserver', values: first.servers },
    { place, keyword: 'search', values: search(first) },
  ] as const;
  return { ...NO_RESOLVER, lines: lines.filter(({ values }) => values.length > 0) };
}

/**
 * The changes that `agent apply` makes in resolv.conf although libc reads the same values; null if there are none.
 * `yaml`: the configuration.
 */
export function rewriting(host: Host, yaml: string): string | null {
  const compiled = compile([{ path: '', bytes: Buffer.from(yaml) }]);
  const dns = compiled.ok ? compiled.desired.dns : null;
  const current = host.readTextUnlessAstray(RESOLV_CONF);
  if (dns === null || current === null || host.readLink(RESOLV_CONF) !== null) return null;
  // No entry is measured: `agent init` writes pairs.
  const sortlist = dns.sortlist?.filter((pair) => typeof pair === 'string') ?? null;
  const wanted = composeResolvConf(current, { ...dns, sortlist });
  if (wanted === current) return null;
  const kept = new Set(wanted.split('\n'));
  const gone = current.split('\n').flatMap((line, index) => (kept.has(line) ? [] : [index + 1]));
  const what =
    gone.length === 0 ? '' : `, and takes out or rewrites line${gone.length === 1 ? '' : 's'} ${gone.join(', ')}`;
  return `${RESOLV_CONF}: "agent apply" writes these settings in one place, in the order above${what}; "agent plan" shows it`;
}
