import { looked } from '../recorded-looks.ts';
import { readRegularFile } from './read.ts';

/**
 * Returns those of the inodes that the file at `path` shows as locked (proc_locks(5)). This is one look, because the
 * numbers and the other locks in that file change all the time. Throws as node:fs does.
 */
export function lockedInodes(path: string, inodes: readonly number[]): number[] {
  const look = () => {
    const text = readRegularFile(path).toString('latin1');
    const locked = new Set([...text.matchAll(/ [0-9a-f]+:[0-9a-f]+:(\d+) /g)].map(([, inode]) => Number(inode)));
    return inodes.filter((inode) => locked.has(inode));
  };
  return looked('locked', `${inodes.join(',')} ${path}`, look, String);
}
