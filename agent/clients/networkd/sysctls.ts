/**
 * The kernel settings that systemd-networkd writes each time that it configures a link (systemd's networkd-sysctl.c).
 * It writes some of them whatever its files say, because it handles router advertisements itself. Seen with systemd
 * 252.
 */
import { nullIfRefused } from '../../host/errors.ts';
import type { IniLine } from '../../host/files/ini.ts';
import type { Host } from '../../host/host.ts';
import type { ProgramSysctl } from '../client-sysctl.ts';
import { networkdLinks } from './managed-links.ts';
import { networkLines } from './network-lines.ts';

const PROGRAM = 'systemd-networkd';

/** The path that each key of [Network] writes to, and the values of words that are no numbers. */
const KEYS: Readonly<Record<string, readonly [path: string, words: Readonly<Record<string, string>>]>> = {
  IPv4ProxyARP: ['ipv4/conf/*/proxy_arp', {}],
  IPv4AcceptLocal: ['ipv4/conf/*/accept_local', {}],
  IPv4RouteLocalnet: ['ipv4/conf/*/route_localnet', {}],
  IPv4ReversePathFilter: ['ipv4/conf/*/rp_filter', { strict: '1', loose: '2' }],
  IPv4Forwarding: ['ipv4/conf/*/forwarding', {}],
  IPv6Forwarding: ['ipv6/conf/*/forwarding', {}],
  IPv6PrivacyExtensions: ['ipv6/conf/*/use_tempaddr', { yes: '2', true: '2', '1': '2', 'prefer-public': '1' }],
  IPv6DuplicateAddressDetection: ['ipv6/conf/*/dad_transmits', {}],
  IPv6HopLimit: ['ipv6/conf/*/hop_limit', {}],
  IPv6ProxyNDP: ['ipv6/conf/*/proxy_ndp', {}],
  IPv6LinkLocalAddressGenerationMode: [
    'ipv6/conf/*/addr_gen_mode',
    { eui64: '0', none: '1', 'stable-privacy': '2', random: '3' },
  ],
};
const BOOLEANS: Readonly<Record<string, string>> = { yes: '1', true: '1', on: '1', no: '0', false: '0', off: '0' };

/** Settings that are written unless a file says otherwise. */
const ALWAYS = [
  ['ipv6/conf/*/accept_ra', '0'],
  ['ipv6/conf/*/use_tempaddr', '0'],
  ['ipv6/conf/*/proxy_ndp', '0'],
  ['ipv4/conf/*/promote_secondaries', '1'],
] as const;

export function networkdSysctls(host: Host): ProgramSysctl[] {
  return networkdLinks(host).flatMap(({ name, networkFile }) => {
    const lines = networkLines(host, networkFile);
    const [first] = lines;
    const found = new Map<string, ProgramSysctl>();
    const set = (path: string, value: string, at: { file: string; line: number }) => {
      const own = `net/${path.replace('*', name)}`;
      found.set(own, { path: own, value, file: at.file, line: at.line, program: PROGRAM });
    };
    const file = { file: first?.file ?? networkFile, line: 1 };
    for (const [path, value] of ALWAYS) set(path, value, file);
    const ipv6 = hasIpv6(lines);
    if (ipv6) set('ipv6/conf/*/disable_ipv6', '0', file);
    set('ipv6/conf/*/addr_gen_mode', ipv6 ? addressMode(host, name) : '1', file);
    for (const line of lines) {
      const [path, words] = KEYS[line.key] ?? [];
      if (line.section !== 'Network' || path === undefined || words === undefined) continue;
      const word = line.value.toLowerCase();
      const value = words[word] ?? BOOLEANS[word] ?? (/^\d+$/.test(word) ? word : null);
      if (value === null)
        found.delete(`net/${path.replace('*', name)}`); // `kernel`: left alone
      else set(path, value, line);
    }
    return [...found.values()];
  });
}

/** How link-local addresses are made: from the secret if the link has one, otherwise from the hardware address. */
function addressMode(host: Host, name: string): '0' | '2' {
  const secret = host.live ? nullIfRefused(() => host.sysctl(`net/ipv6/conf/${name}/stable_secret`)) : null;
  return secret === null ? '0' : '2';
}

/** `no` and `ipv4` give no link-local address. Such a link has IPv6 only through an address of its files. */
function hasIpv6(lines: readonly IniLine[]): boolean {
  const local = lines.findLast(({ section, key }) => section === 'Network' && key === 'LinkLocalAddressing');
  return local === undefined || !/^(no|false|off|0|ipv4|ipv4-fallback)$/i.test(local.value);
}
