/** How the agent looks at files, folders and /proc. Each call is as in node:fs, and is recorded (recorded-looks.ts). */
import {
  lstatSync as lstat,
  readdirSync as readdir,
  readFileSync as readFile,
  readlinkSync as readlink,
  type Stats,
  statSync as stat,
} from 'node:fs';
import { networkInterfaces as ownInterfaces } from 'node:os';
import { looked } from './recorded-looks.ts';

/** Links are not followed. Returns undefined if the path does not exist. */
export function lstatSync(path: string): Stats | undefined {
  return looked(
    'lstat',
    path,
    () => lstat(path, { throwIfNoEntry: false }),
    (stats) => textOf(stats, path),
  );
}

/** Links are followed. Returns undefined if the path does not exist. */
export function statSync(path: string): Stats | undefined {
  return looked(
    'stat',
    path,
    () => stat(path, { throwIfNoEntry: false }),
    (stats) => textOf(stats, path),
  );
}

/** The names in a folder, in no order. */
export function readdirSync(folder: string): string[] {
  return looked(
    'list',
    folder,
    () => readdir(folder),
    (names) => names.toSorted().join('/'),
  );
}

export function readlinkSync(path: string): string {
  return looked('link', path, () => readlink(path), String);
}

/** The text (UTF-8) of a file that the kernel makes when it is read, as in /proc. */
export function readTextSync(path: string): string {
  return looked('text', path, () => readFile(path, 'utf8'), String);
}

/** The bytes of such a file. */
export function readBytesSync(path: string): Buffer {
  return looked(
    'bytes',
    path,
    () => readFile(path),
    (bytes) => bytes.toString('latin1'),
  );
}

/** The addresses of this host's interfaces, by the name of the interface. */
export function networkInterfaces(): ReturnType<typeof ownInterfaces> {
  return looked('addresses', '', ownInterfaces, (all) => JSON.stringify(all));
}

/**
 * All that distinguishes two states of a file. In /proc and /sys the kernel makes up the times when it is asked, and the
 * sizes say nothing.
 */
function textOf(stats: Stats | undefined, path: string): string {
  if (stats === undefined) return '';
  const { dev, ino, mode, uid, gid } = stats;
  const lasting = `${dev} ${ino} ${mode.toString(8)} ${uid} ${gid}`;
  if (/^\/(?:proc|sys)\//.test(path)) return lasting;
  const { nlink, rdev, size, mtimeMs, ctimeMs } = stats;
  return `${lasting} ${nlink} ${rdev} ${size} ${mtimeMs} ${ctimeMs}`;
}
