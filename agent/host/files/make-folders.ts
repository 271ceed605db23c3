import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode } from '../errors.ts';
import { inPlace } from './trusted-path.ts';

/**
 * Makes a folder and the missing folders above it, each with `mode` whatever the umask is. Throws HostError.
 * mkdirSync's `recursive` is not used: on a read-only file system it reports that the folder does not exist.
 */
export function makeFolders(path: string, mode: number): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(path) !== path) makeFolders(dirname(path), mode);
  const umask = process.umask(0o777 & ~mode);
  try {
    inPlace('make the folder', path, ({ file }) => mkdirSync(file, { mode }));
  } catch (error) {
    // Another `apply` made it first.
    if (errorCode(error) !== 'EEXIST' || !statSync(path).isDirectory()) throw error;
  } finally {
    process.umask(umask);
  }
}
