/**
 * The kernel settings that `forwarding` stands for. The kernel has each setting three times: for all interfaces, for
 * each interface, and for future interfaces (Documentation/networking/ip-sysctl.rst). include/linux/inetdevice.h says
 * how the first two combine. Holdfast holds all three, so the combination does not matter.
 */
import type { DesiredSysctl } from '../desired.ts';
import { EVERY, sysctlKey } from '../notation/sysctl-keys.ts';

/** The values that the configuration may give; undefined if not configured. */
export interface ForwardingKeys {
  readonly ipv4?: boolean | undefined;
  readonly ipv6?: boolean | undefined;
  readonly redirects?: string | undefined;
}

/** The first key of each family makes the kernel change other keys, so these keys come first. */
export function forwardingSysctls({ ipv4, ipv6, redirects }: ForwardingKeys): DesiredSysctl[] {
  return [
    ...(ipv4 === undefined
      ? []
      : held('ipv4', ipv4, ['net/ipv4/ip_forward', ...scopes('4', 'forwarding').slice(1)], false)),
    ...(ipv6 === undefined ? [] : held('ipv6', ipv6, scopes('6', 'forwarding'), false)),
    ...(redirects === undefined
      ? []
      : [
          ...held('redirects', false, [...scopes('4', 'send_redirects'), ...scopes('4', 'accept_redirects')], false),
          // IPv6 has no switch for sending redirects, and a host without IPv6 accepts none.
          ...held('redirects', false, scopes('6', 'accept_redirects'), true),
        ]),
  ];
}

/** The configuration's key that holds this path of /proc/sys (`forwarding.ipv4`); null if no key does. */
export function forwardingKeyOf(path: string): keyof ForwardingKeys | null {
  if (path === 'net/ipv4/ip_forward') return 'ipv4';
  const [, family, name] = /^net\/ipv([46])\/conf\/[^/]+\/([^/]+)$/.exec(path) ?? [];
  if (name === 'forwarding') return family === '4' ? 'ipv4' : 'ipv6';
  return name === 'accept_redirects' || (name === 'send_redirects' && family === '4') ? 'redirects' : null;
}

function held(key: keyof ForwardingKeys, on: boolean, paths: readonly string[], optional: boolean): DesiredSysctl[] {
  return paths.map((path) => ({
    path,
    key: sysctlKey(path),
    want: { value: on ? '1' : '0' },
    optional,
    setting: `forwarding.${key}`,
  }));
}

function scopes(family: '4' | '6', name: string): string[] {
  return ['all', 'default', EVERY].map((scope) => `net/ipv${family}/conf/${scope}/${name}`);
}
