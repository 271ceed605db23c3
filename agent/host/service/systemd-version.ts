import type { Host } from '../host.ts';

const LIBRARY = /^libsystemd-shared-(\d+)/;

/** The version on the disk, by the name of systemd's own library, which needs no process; null if it is not visible. */
export function systemdVersion(host: Host): number | null {
  const multiarch = host.list('/usr/lib').filter((name) => name.includes('-linux-'));
  const folders = ['lib/systemd', 'lib64/systemd', ...multiarch.map((name) => `lib/${name}/systemd`)];
  const names = [...folders.map((folder) => `/usr/${folder}`), '/lib/systemd'].flatMap((folder) => host.list(folder));
  const version = names.flatMap((name) => LIBRARY.exec(name)?.[1] ?? [])[0];
  return version === undefined ? null : Number(version);
}
