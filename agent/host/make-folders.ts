import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode } from './errors.ts';
import { inPlace } from './place.ts';

/**
 * A folder and those above it that are missing, each with `mode` whatever this process's umask is. Throws HostError.
 * Not mkdirSync's own `recursive`: of a read-only file system it says that the folder does not exist.
 */
export function makeFolders(path: string, mode: number): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(path) !== path) makeFolders(dirname(path), mode);
  const umask = process.umask(0o777 & ~mode);
  try {
    inPlace('make the folder', path, ({ file }) => mkdirSync(file, { mode }));
  } catch (error) {
    // Another apply was quicker.
    if (errorCode(error) !== 'EEXIST' || !statSync(path).isDirectory()) throw error;
  } finally {
    process.umask(umask);
  }
}
