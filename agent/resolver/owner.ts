/** The program that generates the file that resolv.conf links to. */
import type { DesiredDns } from '../config/desired.ts';
import type { Host } from '../host/host.ts';
import { RESOLV_CONF } from './resolv-conf.ts';

interface Owner {
  readonly name: string;
  readonly target: RegExp;
  /** At least one of these files exists if the program is installed. */
  readonly programs: readonly string[];
}

const OWNERS: readonly Owner[] = [
  {
    name: 'systemd-resolved',
    target: /\/systemd\/(resolve|resolved)/,
    programs: ['/usr/lib/systemd/systemd-resolved', '/lib/systemd/systemd-resolved'],
  },
  { name: 'resolvconf', target: /\/resolvconf\//, programs: ['/usr/sbin/resolvconf', '/sbin/resolvconf'] },
  { name: 'NetworkManager', target: /\/NetworkManager\//, programs: ['/usr/sbin/NetworkManager'] },
  { name: 'connman', target: /\/connman\//, programs: ['/usr/sbin/connmand'] },
  { name: 'netconfig', target: /\/netconfig\//, programs: ['/usr/sbin/netconfig', '/sbin/netconfig'] },
];

/** Whether resolv.conf is a symbolic link that the configuration leaves to its owner. */
export function isLeftToOwner(host: Host, dns: DesiredDns): boolean {
  return dns.symlink === 'refuse' && host.readLink(RESOLV_CONF) !== null;
}

/** null if no known program generates it. */
export function linkOwner(target: string): string | null {
  return ownerOf(target)?.name ?? null;
}

/** Whether the program that makes this file is installed. */
export function isMade(host: Host, target: string): boolean {
  return ownerOf(target)?.programs.some((program) => host.stat(program) !== null) ?? false;
}

function ownerOf(target: string): Owner | null {
  return OWNERS.find((owner) => owner.target.test(target)) ?? null;
}
