/**
 * openresolv's resolvconf(8). At each `resolvconf -a`, `-d` and `-u` it composes resolv.conf from the data of DHCP
 * clients, VPNs and others. It writes a regular file. Debian's resolvconf (which follows a link of its own) and
 * systemd's (which is resolvectl(1)) have no resolvconf.conf.
 */
import type { Host } from '../host/host.ts';
import { RESOLV_CONF } from '../resolver/resolv-conf.ts';

export const RESOLVCONF_CONF = '/etc/resolvconf.conf';

export function openresolvInstalled(host: Host): boolean {
  const program = ['/sbin/resolvconf', '/usr/sbin/resolvconf'].find((path) => host.stat(path) !== null);
  if (program === undefined || host.stat(RESOLVCONF_CONF) === null) return false;
  return !host.target(program).endsWith('/resolvectl');
}

/**
 * Whether it writes /etc/resolv.conf, by the text of resolvconf.conf: a file of sh, in which the last assignment
 * counts.
 */
export function openresolvWrites(text: string): boolean {
  const last = (name: string) => {
    const values = [...text.matchAll(new RegExp(`^[ \\t]*${name}=["']?([^"'\\s#;]*)`, 'gm'))];
    return values.at(-1)?.[1] ?? null;
  };
  if (/^(no|false|0|off)$/i.test(last('resolvconf') ?? '')) return false;
  return [RESOLV_CONF, '', null].includes(last('resolv_conf'));
}
