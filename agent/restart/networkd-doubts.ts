/**
 * Why a restart of systemd-networkd might lose something. Only what was measured to lose nothing counts as safe: IPv4
 * leases with systemd 252 and 257 (docs/restart.md).
 */

import { unmappedAddress } from '../address/address-checks.ts';
import { dhcpSettings } from '../clients/dhcp-settings.ts';
import { leasedAddress, type NetworkdLink } from '../clients/networkd/managed-links.ts';
import { networkLines } from '../clients/networkd/network-lines.ts';
import { resolvedLinks, STUBS } from '../clients/resolved.ts';
import type { DesiredState } from '../config/desired.ts';
import type { Host } from '../host/host.ts';
import { effectiveValues } from '../resolver/libc-reading.ts';
import { RESOLV_CONF } from '../resolver/resolv-conf.ts';

/** systemd 247 gives up address and routes at each restart. Of the later versions only these two were measured. */
const MEASURED = [252, 257];
/** Protocols of routes that systemd-networkd or the kernel makes anew. */
const OWN = ['kernel', 'dhcp', 'ra'];

/** One sentence; null if nothing speaks against a restart. */
export function restartDoubt(host: Host, desired: DesiredState, links: readonly NetworkdLink[]): string | null {
  const version = Number(/^systemd (\d+)/.exec(host.run('networkctl', ['--version']).stdout)?.[1]);
  if (!MEASURED.includes(version))
    return `only with systemd ${MEASURED.join(' and ')} a restart was measured to lose nothing; this host has ${Number.isNaN(version) ? 'an unknown version' : version}`;
  return (
    notConfigured(host, links) ??
    linksWithoutDns(host, desired, links) ??
    ignoredRoutes(desired) ??
    changedMtu(host, desired, links) ??
    links.map((link) => foreignRoute(host, link) ?? doubtfulAddress(host, link)).find((why) => why !== null) ??
    foreignRules(host)
  );
}

function notConfigured(host: Host, links: readonly NetworkdLink[]): string | null {
  const waiting = links.filter(({ state }) => !/^ADMIN_STATE=configured$/m.test(host.readText(state) ?? ''));
  return waiting.length === 0 ? null : `${waiting.map(({ name }) => name).join(', ')} is not configured now`;
}

/** While it starts, systemd-resolved has no servers for its links: half a second with systemd 252 and 257. */
function linksWithoutDns(host: Host, { dns }: DesiredState, links: readonly NetworkdLink[]): string | null {
  const lost =
    'systemd-resolved would have no name servers until it has configured its links again, for about half a second';
  const has = ({ servers }: NetworkdLink) => servers.length > 0;
  if (resolvedLinks(host, { symlink: dns?.symlink ?? 'refuse' }).some(has))
    return `${lost}; with dns.symlink: replace, libc does not ask systemd-resolved`;
  const libc = effectiveValues(host.readTextUnlessAstray(RESOLV_CONF) ?? '', 'nameserver') ?? [];
  const stub = libc.find((server) => STUBS.includes(server));
  if (stub === undefined || !links.some(has)) return null;
  return `${lost}, and ${RESOLV_CONF} names ${stub}; with other servers in dns.nameservers, libc does not ask systemd-resolved`;
}

function ignoredRoutes({ dhcp }: DesiredState): string | null {
  const taken = dhcpSettings(dhcp).filter(({ asks }) => asks.part === 'ignore' || asks.part === 'request.without');
  const routing = /^(routers|classless-routes|router-advertisements|static-routes|.*-classless-static-routes)$/;
  const found = taken.find(({ values }) => values.some((value) => routing.test(value)));
  return found === undefined ? null : `with ${found.setting} a new start may remove routes of the present lease`;
}

/** Many drivers take the link down for a change of its MTU. Only virtual links were measured. */
function changedMtu(host: Host, { dhcp }: DesiredState, links: readonly NetworkdLink[]): string | null {
  const isAsked = dhcpSettings(dhcp).some(({ asks, values }) =>
    asks.part === 'supersede' ? asks.option === 'interface-mtu' : values.includes('interface-mtu'),
  );
  const card = links.find(({ name }) => host.lstat(`/sys/class/net/${name}/device`) !== null);
  return !isAsked || card === undefined ? null : `${card.name} may go down for a moment when its MTU changes`;
}

function foreignRoute(host: Host, { name }: NetworkdLink): string | null {
  const routes = ['-4', '-6'].flatMap((family) =>
    linesOf(host, [family, '-o', 'route', 'show', 'table', 'all', 'dev', name]),
  );
  const foreign = routes.find((line) => {
    const protocol = / proto (\S+)/.exec(line)?.[1] ?? 'boot';
    return !OWN.includes(protocol) && !/^(local|broadcast|multicast|anycast) /.test(line);
  });
  if (foreign === undefined) return null;
  return `a new start may remove the route ${foreign.trim()} of ${name}, which systemd-networkd did not make`;
}

/** An address without a route of its own, such as a virtual address of keepalived, has only `local` routes. */
function doubtfulAddress(host: Host, link: NetworkdLink): string | null {
  const { name } = link;
  const [ipv6] = addressesOf(host, '-6', name);
  if (ipv6 !== undefined)
    return `${name} has the IPv6 address ${ipv6}, and a restart was measured to lose nothing only with IPv4`;
  const own = [leasedAddress(host, link), ...addressesInFile(host, link)];
  const foreign = addressesOf(host, '-4', name).find((address) => !own.includes(address));
  if (foreign === undefined) return null;
  return `${foreign} on ${name} is of no lease and of no .network file: a start of systemd-networkd may remove it`;
}

/** Without the length of the prefix. Of IPv6, only addresses that other networks reach; systemd-networkd keeps 127.x. */
function addressesOf(host: Host, family: '-4' | '-6', name: string): string[] {
  const scope = family === '-6' ? ['scope', 'global'] : [];
  return linesOf(host, [family, '-o', 'addr', 'show', 'dev', name, ...scope])
    .flatMap((line) => / inet6? ([^\s/]+)/.exec(line)?.[1] ?? [])
    .filter((address) => !address.startsWith('127.'));
}

/** An empty assignment forgets the earlier ones. Other sections use `Address=` for the addresses of other hosts. */
function addressesInFile(host: Host, { networkFile }: NetworkdLink): (string | null)[] {
  const values = networkLines(host, networkFile)
    .filter(({ section, key }) => key === 'Address' && (section === 'Network' || section === 'Address'))
    .map(({ value }) => value);
  return values.slice(values.lastIndexOf('') + 1).map((value) => unmappedAddress(value.replace(/\/.*/, '')));
}

function linesOf(host: Host, words: readonly string[]): string[] {
  return host
    .run('ip', words)
    .stdout.split('\n')
    .filter((line) => line !== '');
}

function foreignRules(host: Host): string | null {
  const rules = ['-4', '-6'].flatMap((family) => host.run('ip', [family, 'rule', 'show']).stdout.split('\n'));
  const other = rules.find(
    (line) => line !== '' && !/^(0|32766|32767):\s+from all lookup (local|main|default)\s*$/.test(line),
  );
  return other === undefined ? null : `a new start may remove the routing rule "${other.trim()}"`;
}
