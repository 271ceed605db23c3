/** The places of a host's own scripts that run at boot. Units of packages are left out. */
import type { Host } from '../../../host/host.ts';

export const INTERFACES = '/etc/network/interfaces';
export const RC_LOCAL = ['/etc/rc.local', '/etc/rc.d/rc.local'];
const UNITS = '/etc/systemd/system';
/** A link to one of these is a unit of a package. */
const OF_PACKAGES = /^\/(usr\/)?lib\/|^\/dev\/null$/;

export function hasScripts(host: Host): boolean {
  return [INTERFACES, ...RC_LOCAL].some((file) => host.lstat(file) !== null) || serviceFiles(host).length > 0;
}

/** Services that were written on this host, and drop-ins for any service, with the unit that each belongs to. */
export function serviceFiles(host: Host): { unit: string; file: string }[] {
  return host.list(UNITS).flatMap((name) => {
    const file = `${UNITS}/${name}`;
    if (name.endsWith('.service')) return OF_PACKAGES.test(host.readLink(file) ?? '') ? [] : [{ unit: name, file }];
    if (!name.endsWith('.service.d')) return [];
    const dropIns = host.list(file).filter((one) => one.endsWith('.conf'));
    return dropIns.map((one) => ({ unit: name.slice(0, -'.d'.length), file: `${file}/${one}` }));
  });
}
