/**
 * The kernel settings that `ignore: [router-advertisements]` of `dhcp` stands for. Whichever client takes the lease, the
 * kernel must not act on the advertisements either: dhclient leaves them to it, and a dhcpcd or NetworkManager that is
 * told to ignore them also does. Programs that act on them themselves set the same value.
 */
import type { DesiredDhcp, DesiredSysctl, DhcpScope } from '../desired.ts';
import { EVERY, sysctlKey } from '../notation/sysctl-keys.ts';

export function advertisementSysctls({ global, interfaces }: Pick<DesiredDhcp, 'global' | 'interfaces'>) {
  return [
    ...(ignores(global) ? ['default', EVERY].map((scope) => ignored(scope, 'dhcp')) : []),
    ...[...interfaces].flatMap(([name, scope]) => (ignores(scope) ? ignored(name, `dhcp.interfaces.${name}`) : [])),
  ];
}

/** The interface of the key that decides whether the kernel acts on router advertisements; null for any other path. */
export function acceptsAdvertisements(path: string): string | null {
  return /^net\/ipv6\/conf\/([^/]+)\/accept_ra$/.exec(path)?.[1] ?? null;
}

function ignores({ ignore }: DhcpScope): boolean {
  return ignore.includes('router-advertisements');
}

/** A host without IPv6 has no such key, and an interface may come later. */
function ignored(scope: string, section: string): DesiredSysctl {
  const path = `net/ipv6/conf/${scope}/accept_ra`;
  const setting = `${section}.ignore.router-advertisements`;
  return { path, key: sysctlKey(path), want: { value: '0' }, optional: true, setting };
}
