/** The running systemd-networkd(8), by its process, the leases that it keeps in /run, and the IPv6 addresses of its links. */
import type { IniLine } from '../../host/files/ini.ts';
import type { Host } from '../../host/host.ts';
import type { LeaseHolder } from '../client.ts';
import { linksWithDynamicSix } from '../dynamic-six.ts';
import { linkNames } from '../link-names.ts';
import { NETWORKD_LEASES, networkdLinks } from './managed-links.ts';
import { networkLines } from './network-lines.ts';

/** Whether systemd-networkd runs, or is installed. */
export function networkdIsHere(host: Host): boolean {
  const installed = ['/usr/lib', '/lib'].some((folder) => host.stat(`${folder}/systemd/systemd-networkd`) !== null);
  return installed || host.processes('systemd-network', 'network').length > 0;
}

export function networkdHolders(host: Host): LeaseHolder[] {
  const [process] = host.processes('systemd-network', 'network');
  if (process === undefined) return [];
  const names = linkNames(host);
  const leased = host.list(NETWORKD_LEASES).flatMap((index) => names.get(index) ?? []);
  const only6 = linksOfSixOnly(host, leased);
  return [
    {
      program: 'systemd-networkd',
      pid: process.pid,
      started: process.started,
      interfaces: [...leased, ...only6],
      ...(only6.length === 0 ? {} : { only6 }),
    },
  ];
}

/**
 * On a link that it manages, systemd-networkd takes router advertisements and DHCPv6 in the kernel's place. A link that gets an
 * address of a delegated prefix is a router's own side: nobody gives it anything.
 */
function linksOfSixOnly(host: Host, leased: readonly string[]): string[] {
  const dynamic = linksWithDynamicSix(host);
  if (dynamic.size === 0) return [];
  return networkdLinks(host)
    .filter(({ name }) => dynamic.has(name) && !leased.includes(name))
    .filter(({ networkFile }) => !takesDelegated(networkLines(host, networkFile)))
    .map(({ name }) => name);
}

/** The key's names in systemd's versions. */
const TAKES_DELEGATED = /^(DHCP|DHCPv6|IPv6)PrefixDelegation$/;

function takesDelegated(lines: readonly IniLine[]): boolean {
  const said = lines.findLast(({ section, key }) => section === 'Network' && TAKES_DELEGATED.test(key ?? ''));
  return said !== undefined && !/^(no|false|off|n|f|0)?$/i.test(said.value);
}
