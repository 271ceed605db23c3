/** Checks that only root can change a configuration file, because its content decides what root does. */
import { dirname } from 'node:path';
import { type ConfigError, fileError } from '../config-error.ts';
import type { ConfigFiles } from './config-files.ts';

/** Mode bits that let the group or others write. */
const WRITABLE = 0o022;
/** In a folder with this bit, only a file's owner can replace it (/tmp). */
const STICKY = 0o1000;

const FILE_TYPE = 0o170000;
const [REGULAR, FOLDER] = [0o100000, 0o040000];
/**
 * The remedy names a command only for files named like a configuration; other paths (/tmp, /run/utmp) may belong to
 * other programs.
 */
const IN_YAML = /\.ya?ml$/i;
const ELSEWHERE = 'keep the configuration where only root may write, such as /etc/holdfast';

/** Checks the file and the folders above it, and the same for the target of its links. */
export function trustErrors(files: ConfigFiles, file: string): ConfigError[] {
  const target = files.target(file);
  const type = (files.stat(file)?.mode ?? REGULAR) & FILE_TYPE;
  if (type === FOLDER) return []; // reading the file refuses a folder
  if (type !== REGULAR) return [fileError(file, `is no regular file; ${ELSEWHERE}`)];
  const paths = new Set([file, target].flatMap((path) => [path, ...foldersAbove(path)]));
  return [...paths].flatMap((path) => {
    const stat = files.stat(path);
    if (stat === null) return [];
    const what = path === file ? '' : path === target ? `${path}, where it leads, ` : `${path}, above it, `;
    const ours = path === file && target === file && IN_YAML.test(file);
    const advice = (command: string) => (ours ? `run: ${command} ${path}` : ELSEWHERE);
    if (stat.uid !== 0) {
      const message = `${what}belongs to user ${stat.uid}, who could decide what root does; ${advice('chown root')}`;
      return [fileError(file, message)];
    }
    const safe = (stat.mode & WRITABLE) === 0 || (path !== file && (stat.mode & STICKY) !== 0);
    if (safe) return [];
    const mode = (stat.mode & 0o7777).toString(8).padStart(4, '0');
    return [fileError(file, `${what}may be written by other users than root (mode ${mode}); ${advice('chmod go-w')}`)];
  });
}

function foldersAbove(path: string): string[] {
  const folder = dirname(path);
  return folder === path ? [] : [folder, ...foldersAbove(folder)];
}
