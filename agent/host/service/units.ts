/** Which units systemd starts on this host, read from its folders. The running systemd is not asked. */
import { basename } from 'node:path';
import type { Host } from '../host.ts';

/**
 * The folders in which systemd looks for `NAME.wants/`. Generators (netplan's among them) write to the folders below
 * /run.
 */
const FOLDERS = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/run/systemd/generator',
  '/run/systemd/generator.late',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
];

/** Whether a target or another unit starts this unit at boot, and no link masks it. */
export function isUnitEnabled(host: Host, unit: string): boolean {
  if (host.readLink(`/etc/systemd/system/${unit}`) === '/dev/null') return false;
  return FOLDERS.some((folder) =>
    host
      .list(folder)
      .filter((name) => /\.(wants|requires)$/.test(name))
      .some((name) => host.lstat(`${folder}/${name}/${unit}`) !== null),
  );
}

/** Further folders for a service's unit: local packages, `systemd-run`, and generators that run early. */
const FURTHER_FOLDERS = ['/usr/local/lib/systemd/system', '/run/systemd/transient', '/run/systemd/generator.early'];

/** Whether the package's service is there, which runs the daemon. */
export function hasService(host: Host): boolean {
  return host.live && isUnitInstalled(host, 'holdfast');
}

/** The name of the unit to which a link of this name leads, `null` for /dev/null; null if there is no such link. */
export function linkedUnit(host: Host, unit: string): string | null {
  const links = [...FOLDERS, ...FURTHER_FOLDERS].map((folder) => host.readLink(`${folder}/${unit}`));
  const first = links.find((link) => link !== null);
  return first === undefined || first === null ? null : basename(first);
}

/** Whether systemd can know this service: by a unit's file or link, or by a System V script. */
export function isUnitInstalled(host: Host, name: string): boolean {
  const unit = /\.[a-z]+$/.test(name) ? name : `${name}.service`;
  const files = [...FOLDERS, ...FURTHER_FOLDERS].map((folder) => `${folder}/${unit}`);
  return [...files, `/etc/init.d/${unit.replace(/\.service$/, '')}`].some((file) => host.lstat(file) !== null);
}
