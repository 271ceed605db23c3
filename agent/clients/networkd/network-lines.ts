/** The lines of a `.network` file and of its drop-ins, as systemd-networkd combines them (systemd.network(5)). */
import { type IniLine, iniLines } from '../../host/files/ini.ts';
import type { Host } from '../../host/host.ts';

/** The folders above those of systemd's programs, in the order in which the programs look for a name. */
export const SYSTEMD_FOLDERS = ['/etc', '/run', '/usr/local/lib', '/usr/lib', '/lib'];
export const NETWORK_FOLDERS = SYSTEMD_FOLDERS.map((base) => `${base}/systemd/network`);

/**
 * The `.network` files that systemd-networkd would read, by name. If two folders have the same name, the first folder
 * counts.
 */
export function networkFiles(host: Host): Map<string, string> {
  const files = new Map<string, string>();
  for (const folder of NETWORK_FOLDERS) {
    for (const name of host.list(folder)) {
      if (name.endsWith('.network') && !files.has(name)) files.set(name, `${folder}/${name}`);
    }
  }
  return files;
}

/** The lines of a .network file and its drop-ins; empty if a link to /dev/null masks the file. */
export function networkLines(host: Host, name: string, main = networkFiles(host).get(name)): IniLine[] {
  const dropIns = new Map<string, string>();
  for (const folder of NETWORK_FOLDERS) {
    for (const one of host.list(`${folder}/${name}.d`).filter((entry) => entry.endsWith('.conf'))) {
      if (!dropIns.has(one)) dropIns.set(one, `${folder}/${name}.d/${one}`);
    }
  }
  // Without the file itself, its drop-ins have no effect.
  if (main === undefined || !host.stat(main)?.isFile()) return [];
  const files = [main, ...[...dropIns].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, file]) => file)];
  return files.flatMap((file) => iniLines(host, file));
}
