/** Whether others than root could change what a file says: they would then decide what root does. */
import { dirname } from 'node:path';
import { type ConfigError, fileError } from './errors.ts';
import type { ConfigFiles } from './files.ts';

/** Group or others may write. */
const WRITABLE = 0o022;
/** In a folder with this bit, only a file's owner can replace it (/tmp). */
const STICKY = 0o1000;

/** The file, the folders above it, and the same for where its links lead. */
export function trustErrors(files: ConfigFiles, file: string): ConfigError[] {
  const paths = new Set([file, files.target(file)].flatMap((path) => [path, ...foldersAbove(path)]));
  return [...paths].flatMap((path) => {
    const stat = files.stat(path);
    if (stat === null) return [];
    const what = path === file ? '' : `${path}, above it, `;
    if (stat.uid !== 0) {
      return [
        fileError(file, `${what}belongs to user ${stat.uid}, and root would obey that user; run: chown root ${path}`),
      ];
    }
    const safe = (stat.mode & WRITABLE) === 0 || (path !== file && (stat.mode & STICKY) !== 0);
    if (safe) return [];
    const mode = (stat.mode & 0o7777).toString(8).padStart(4, '0');
    return [fileError(file, `${what}may be written by others than root (mode ${mode}); run: chmod go-w ${path}`)];
  });
}

function foldersAbove(path: string): string[] {
  const folder = dirname(path);
  return folder === path ? [] : [folder, ...foldersAbove(folder)];
}
