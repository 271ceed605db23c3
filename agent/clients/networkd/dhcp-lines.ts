/**
 * The meaning of `dhcp` for systemd-networkd: lines of a drop-in (systemd.network(5)), or why systemd-networkd cannot do it.
 * It takes parts of an offer or leaves them, and replaces only what it also takes from files.
 */
import { findOption } from '../../config/notation/dhcp-options.ts';
import type { DhcpSetting } from '../dhcp-settings.ts';

type Section = 'Link' | 'Network' | 'DHCPv4' | 'DHCPv6';

/** One line of a section: `UseNTP=no`. */
export interface DropInLine {
  readonly section: Section;
  readonly line: string;
}

export type DhcpMeaning = { readonly lines: readonly DropInLine[] } | { readonly refusal: string };

/** The key that takes an option of an offer. Not every version has the key of DHCPv6; a version without it ignores it. */
const TAKEN_BY: Readonly<Record<string, readonly [Section, string]>> = {
  routers: ['DHCPv4', 'UseGateway'],
  'domain-name-servers': ['DHCPv4', 'UseDNS'],
  'domain-name': ['DHCPv4', 'UseDomains'],
  'domain-search': ['DHCPv4', 'UseDomains'],
  'ntp-servers': ['DHCPv4', 'UseNTP'],
  'host-name': ['DHCPv4', 'UseHostname'],
  'interface-mtu': ['DHCPv4', 'UseMTU'],
  tcode: ['DHCPv4', 'UseTimezone'],
  'static-routes': ['DHCPv4', 'UseRoutes'],
  'rfc3442-classless-static-routes': ['DHCPv4', 'UseRoutes'],
  'ms-classless-static-routes': ['DHCPv4', 'UseRoutes'],
  'dhcp6.name-servers': ['DHCPv6', 'UseDNS'],
  'dhcp6.domain-search': ['DHCPv6', 'UseDomains'],
  'dhcp6.sntp-servers': ['DHCPv6', 'UseNTP'],
};

const DNS: Readonly<Record<string, string>> = {
  'domain-name-servers': 'dns.nameservers',
  'domain-name': 'dns.domain',
  'domain-search': 'dns.search',
  'dhcp6.name-servers': 'dns.nameservers',
  'dhcp6.domain-search': 'dns.search',
};

/** Options that an operator has another way to set. */
const OTHER_WAYS: Readonly<Record<string, string>> = {
  routers: 'write ignore: [routers], and a default route in `routes`',
  'rfc3442-classless-static-routes': 'write ignore: [classless-routes], and `routes`',
  'ms-classless-static-routes': 'write ignore: [classless-routes], and `routes`',
  'static-routes': 'write ignore: [classless-routes], and `routes`',
  'host-name': 'write the name into /etc/hostname, which comes before the name of a lease',
  tcode: 'set the time zone by timedatectl, and request: { without: [tcode] }',
  'dhcp6.sntp-servers': 'write ntp-servers, which counts for both families',
};

/** @param speaksIpv6 whether the .network file asks for DHCPv6. */
export function meaningOf({ asks, values }: DhcpSetting, speaksIpv6: boolean): DhcpMeaning {
  if (asks.part === 'supersede') return superseded(asks.option, values);
  if (asks.part === 'ignore') return { lines: values.flatMap((offer) => ignored(offer, speaksIpv6)) };
  const taken = asks.part === 'request.also';
  const found = values.map((option) => (taken ? requested(option) : unrequested(option, values)));
  const refusal = found.find((one) => 'refusal' in one);
  return refusal ?? { lines: found.flatMap((one) => ('lines' in one ? one.lines : [])) };
}

const only = (...lines: readonly (readonly [Section, string])[]): { readonly lines: readonly DropInLine[] } => ({
  lines: lines.map(([section, line]) => ({ section, line })),
});

function superseded(option: string, values: readonly string[]): DhcpMeaning {
  if (option === 'ntp-servers') {
    // The empty assignment makes systemd-networkd forget the servers of other files.
    const servers = [['Network', 'NTP='] as const, ['Network', `NTP=${values.join(' ')}`] as const];
    return only(...servers, ['DHCPv4', 'UseNTP=no'], ['DHCPv6', 'UseNTP=no']);
  }
  if (option === 'interface-mtu') return only(['Link', `MTUBytes=${values[0]}`], ['DHCPv4', 'UseMTU=no']);
  const dns = DNS[option];
  const way = dns === undefined ? OTHER_WAYS[option] : `write ${dns}`;
  const end = way === undefined ? '' : `; ${way}`;
  return { refusal: `systemd-networkd cannot replace the option ${option} of an offer${end}` };
}

/** UseRoutes= decides for UseGateway= also, unless that is set. */
function ignored(offer: string, speaksIpv6: boolean): readonly DropInLine[] {
  if (offer === 'routers') return only(['DHCPv4', 'UseGateway=no']).lines;
  if (offer === 'classless-routes') return only(['DHCPv4', 'UseRoutes=no'], ['DHCPv4', 'UseGateway=yes']).lines;
  // An advertisement is also what starts DHCPv6, which the operator did not say to ignore.
  const start = speaksIpv6 ? ([['DHCPv6', 'WithoutRA=solicit']] as const) : [];
  return only(['Network', 'IPv6AcceptRA=no'], ...start).lines;
}

/** systemd-networkd has no list of options that it must not ask for: it asks for each option that a key makes it take. */
function unrequested(option: string, without: readonly string[]): DhcpMeaning {
  const key = TAKEN_BY[option];
  if (key === undefined)
    return { refusal: `systemd-networkd does not ask for ${option} by itself; take it out of without` };
  const [section, name] = key;
  const together = Object.keys(TAKEN_BY).filter((one) => TAKEN_BY[one]?.join() === key.join());
  if (!together.every((one) => without.includes(one))) {
    const all = together.join(', ');
    return { refusal: `systemd-networkd has one switch for ${all} (${name}=): list all of them in without, or none` };
  }
  return name === 'UseRoutes'
    ? only([section, 'UseRoutes=no'], [section, 'UseGateway=yes'])
    : only([section, `${name}=no`]);
}

function requested(option: string): DhcpMeaning {
  const key = TAKEN_BY[option];
  if (key !== undefined) return only([key[0], `${key[1]}=yes`]);
  const code = findOption(option)?.code;
  const section = option.startsWith('dhcp6.') ? 'DHCPv6' : 'DHCPv4';
  // The range of RequestOptions=.
  if (code === undefined || code < 1 || code > 254) return { refusal: `systemd-networkd cannot ask for ${option}` };
  return only([section, `RequestOptions=${code}`]);
}

const SECTIONS: readonly Section[] = ['Link', 'Network', 'DHCPv4', 'DHCPv6'];

/** The text of the drop-in; null if there is no line. If two lines set one key, "no" counts: it takes no part that is to be left. */
export function renderDhcpDropIn(all: readonly DropInLine[]): string | null {
  if (all.length === 0) return null;
  const isRefused = ({ section, line }: DropInLine) =>
    line.endsWith('=yes') && all.some((one) => one.section === section && one.line === line.replace(/=yes$/, '=no'));
  const parts = SECTIONS.flatMap((section) => {
    const lines = all.filter((one) => one.section === section && !isRefused(one)).map(({ line }) => line);
    return lines.length === 0 ? [] : [`\n[${section}]\n${[...new Set(lines)].join('\n')}\n`];
  });
  return `# Made by Holdfast from its configuration. systemd-networkd reads this when it starts.\n${parts.join('')}`;
}
