/** The files that the running systemd-networkd has not read: those that changed since its start and its last reload. */
import { dirname } from 'node:path';
import type { Host } from '../../host/host.ts';
import type { Process } from '../../host/process/processes.ts';
import type { StagedFile } from '../stage-plan.ts';
import { isOurDropIn } from './drop-in.ts';
import type { NetworkdLink } from './managed-links.ts';
import { NETWORK_FOLDERS, networkFiles } from './network-lines.ts';

/**
 * The link's files as systemd-networkd has read them, as far as that is known. A reload sees that a file changed by its
 * inode and its times (systemd's stat_inode_unmodified()), so the same text written anew counts.
 */
export function unreadFiles(host: Host, process: Process, link: NetworkdLink): StagedFile[] {
  // Holdfast's copies come right before the start, which is known to some hundredths of a second.
  const read = Math.max(process.started, lastReload(host)) + SLACK;
  const isNew = (path: string) => (host.stat(path)?.ctimeMs ?? 0) > read;
  const before = read - BEFORE;
  const files = networkFiles(host);
  // The text that systemd-networkd read is unknown. The file in force was there already; a newer file may win over it.
  const winning = [...files]
    .filter(([name, path]) => name < link.networkFile && isNew(path))
    .map(([, path]) => ({ path, text: null, changed: 0 }));
  const main = files.get(link.networkFile);
  const inForce =
    main === undefined || !isNew(main) ? [] : [{ path: main, text: host.readText(main), changed: before }];
  const folders = NETWORK_FOLDERS.map((folder) => `${folder}/${link.networkFile}.d`);
  const dropIns = folders.flatMap((folder) =>
    host
      .list(folder)
      .filter((name) => name.endsWith('.conf'))
      .map((name) => `${folder}/${name}`)
      .filter((path) => !isOurDropIn(path) && isNew(path))
      .map((path) => ({ path, text: null, changed: 0 })),
  );
  // A folder that changed without one of its files: a drop-in has gone, and a reload sees that.
  const gone = folders
    .filter((folder) => isNew(folder) && !dropIns.some(({ path }) => dirname(path) === folder))
    .map((folder) => ({ path: `${folder}/gone.conf`, text: '', changed: before }));
  return [...winning, ...inForce, ...dropIns, ...gone];
}

/** Milliseconds. */
const SLACK = 1000;
/** Milliseconds by which a file on the stage is older than systemd-networkd's start. */
const BEFORE = 60_000;

/**
 * When systemd-networkd last read changed files for one of its links, in milliseconds since the epoch; 0 if never. Only
 * its journal says so in every version.
 */
export function lastReload(host: Host): number {
  const said = ['--grep=Re-?configuring with ', '--output=json', '--output-fields=MESSAGE', '--lines=1', '--no-pager'];
  const { stdout } = host.run('journalctl', ['--boot', '--unit=systemd-networkd.service', ...said]);
  return Number(/"__REALTIME_TIMESTAMP"\s*:\s*"(\d{1,17})"/.exec(stdout)?.[1] ?? 0) / 1000;
}
