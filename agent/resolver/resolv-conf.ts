/**
 * resolv.conf(5) as text: which lines are ours, what they say, and how the wanted file is made from the present file.
 * The enter hook (agent/clients/dhclient/hooks/hook-texts.ts) does the same in sh at every lease. Both must give the same
 * bytes.
 */
import type { DesiredDns } from '../config/desired.ts';
import { withoutHeaders } from './header.ts';

export const RESOLV_CONF = '/etc/resolv.conf';

/** In the order in which they are written. */
export const KEYWORDS = ['domain', 'search', 'nameserver', 'sortlist', 'options'] as const;
export type Keyword = (typeof KEYWORDS)[number];

/**
 * The keywords whose lines are ours. `domain` and `search` overrule one another, and the last line wins. If the
 * configuration sets one of the two, both are ours.
 */
export function managedKeywords(dns: DesiredDns): Keyword[] {
  const names = dns.domain !== null || dns.search !== null;
  const managed: Record<Keyword, boolean> = {
    domain: names,
    search: names,
    nameserver: dns.nameservers !== null,
    sortlist: dns.sortlist !== null,
    options: dns.options !== null,
  };
  return KEYWORDS.filter((keyword) => managed[keyword]);
}

/** Whether names and servers are all configured, so that a lease adds nothing. */
export function leavesNothingOpen(dns: DesiredDns): boolean {
  const managed = managedKeywords(dns);
  return managed.includes('domain') && managed.includes('nameserver');
}

/** Our lines of one keyword, each with its newline. */
export function wantedLines(dns: DesiredDns, keyword: Keyword): string {
  const joined = (values: readonly string[] | null) => (values?.length ? `${keyword} ${values.join(' ')}\n` : '');
  switch (keyword) {
    case 'domain':
      return joined(dns.domain === null ? null : [dns.domain]);
    case 'search':
      return joined(dns.search);
    case 'nameserver':
      return (dns.nameservers ?? []).map((address) => `nameserver ${address}\n`).join('');
    case 'sortlist':
      return joined(dns.sortlist);
    case 'options':
      return joined(dns.options);
  }
}

/**
 * The wanted file. Our lines stand together in the place of the first of their keywords. Every other line is kept,
 * except for a header that says that another program made the file.
 */
export function composeResolvConf(current: string, dns: DesiredDns): string {
  const managed = managedKeywords(dns);
  const ours = managed.map((keyword) => wantedLines(dns, keyword)).join('');
  let text = '';
  let placed = false;
  // A shell skips NUL bytes when it reads.
  for (const line of withoutHeaders(lines(current.replaceAll('\0', '')))) {
    if (!managed.includes(keywordOf(line) as Keyword)) {
      text += `${line}\n`;
    } else if (!placed) {
      text += ours;
      placed = true;
    }
  }
  return placed ? text : text + ours;
}

function lines(text: string): string[] {
  const all = text.split('\n');
  if (all.at(-1) === '') all.pop();
  return all;
}

/**
 * glibc wants a keyword in the first column; Go and c-ares also accept an indented keyword, so an indented keyword
 * counts.
 */
function keywordOf(line: string): string {
  return /^[ \t]*([^ \t]*)/.exec(line)?.[1] ?? '';
}
