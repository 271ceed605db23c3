/**
 * Why a restart of systemd-networkd might lose something. Only what was measured to lose nothing counts as safe: IPv4
 * leases with systemd 252 and 257 (docs/restart.md).
 */

import { dhcpSettings } from '../clients/dhcp-settings.ts';
import { isOurDropIn } from '../clients/networkd/drop-in.ts';
import type { NetworkdLink } from '../clients/networkd/managed-links.ts';
import { asksDhcp } from '../clients/networkd/match.ts';
import { networkLines } from '../clients/networkd/network-lines.ts';
import { resolvedLinks } from '../clients/resolved.ts';
import type { DesiredState } from '../config/desired.ts';
import type { Host } from '../host/host.ts';

/** systemd 247 gives up address and routes at each restart. Of the later versions only these two were measured. */
const MEASURED = [252, 257];
/** Protocols of routes that systemd-networkd or the kernel makes anew. */
const OWN = ['kernel', 'dhcp', 'ra'];

/** One sentence; null if nothing speaks against a restart. */
export function restartDoubt(host: Host, desired: DesiredState, links: readonly NetworkdLink[]): string | null {
  const version = Number(/^systemd (\d+)/.exec(host.run('networkctl', ['--version']).stdout)?.[1]);
  if (!MEASURED.includes(version))
    return `a restart was measured to lose nothing only with systemd ${MEASURED.join(' and ')}, and this is ${Number.isNaN(version) ? 'an unknown version' : version}`;
  return (
    notConfigured(host, links) ??
    linksWithoutDns(host, desired) ??
    ignoredRoutes(desired) ??
    changedMtu(host, desired, links) ??
    links.map(({ name, networkFile }) => onLink(host, name, networkFile, version)).find((why) => why !== null) ??
    foreignRules(host)
  );
}

function notConfigured(host: Host, links: readonly NetworkdLink[]): string | null {
  const waiting = links.filter(({ state }) => !/^ADMIN_STATE=configured$/m.test(host.readText(state) ?? ''));
  return waiting.length === 0 ? null : `${waiting.map(({ name }) => name).join(', ')} is not configured now`;
}

/** While it starts, systemd-resolved has no servers for its links: half a second with systemd 252 and 257. */
function linksWithoutDns(host: Host, { dns }: DesiredState): string | null {
  const asked = resolvedLinks(host, { symlink: dns?.symlink ?? 'refuse' });
  if (asked.every(({ servers }) => servers.length === 0)) return null;
  return 'systemd-resolved would have no name servers until it has configured its links again, for about half a second; with dns.symlink: replace, libc does not ask systemd-resolved';
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

function onLink(host: Host, name: string, networkFile: string, version: number): string | null {
  const list = (words: readonly string[]) =>
    host
      .run('ip', words)
      .stdout.split('\n')
      .filter((line) => line !== '');
  const routes = ['-4', '-6'].flatMap((family) => list([family, '-o', 'route', 'show', 'table', 'all', 'dev', name]));
  const foreign = routes.find((line) => {
    const protocol = / proto (\S+)/.exec(line)?.[1] ?? 'boot';
    return !OWN.includes(protocol) && !/^(local|broadcast|multicast|anycast) /.test(line);
  });
  if (foreign !== undefined)
    return `a new start may remove the route ${foreign.trim()} of ${name}, which systemd-networkd did not make`;
  const lines = networkLines(host, networkFile).filter((line) => !isOurDropIn(line.file));
  const addresses = list(['-6', '-o', 'addr', 'show', 'dev', name, 'scope', 'global']);
  if (version === 252 && asksDhcp(lines).ipv6 && addresses.length > 0)
    return `systemd 252 gives up the DHCPv6 address of ${name} for a second or more at a restart`;
  return null;
}

function foreignRules(host: Host): string | null {
  const rules = ['-4', '-6'].flatMap((family) => host.run('ip', [family, 'rule', 'show']).stdout.split('\n'));
  const other = rules.find(
    (line) => line !== '' && !/^(0|32766|32767):\s+from all lookup (local|main|default)\s*$/.test(line),
  );
  return other === undefined ? null : `a new start may remove the routing rule "${other.trim()}"`;
}
