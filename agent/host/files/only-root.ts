/**
 * Whether only root decides what lies at a path that a process names. The account of a daemon can rewrite its own command
 * line, so a path from there decides nothing for root unless root alone can change the file.
 */
import { dirname, join } from 'node:path';
import { HostError } from '../errors.ts';
import type { Host } from '../host.ts';
import { NULL_DEVICE } from './read.ts';

const WRITABLE = 0o022;
/** Symbolic links followed in one path, as in the kernel (path_resolution(7)). */
const MAX_LINKS = 40;
/** Such a path can stand in any configuration as it is: it ends no line and opens no quote. */
const PLAIN = /^\/[\w./@:+~-]*$/;

/**
 * Throws HostError unless the path, the folders above it, and the links in it belong to root, and nobody else may write
 * there. A path that does not exist passes, because only root can make it. `reader`: the program that names the path.
 */
export function mustBeRoots(host: Host, path: string, reader: string): void {
  const problem = PLAIN.test(path) ? othersChange(host, path) : 'which is no plain path from / on';
  if (problem === null) return;
  const shown = PLAIN.test(path) ? path : JSON.stringify(path);
  throw new HostError(
    'ESHARED',
    `${reader} reads ${shown}, ${problem}, so root does not go by it: keep its configuration where only root may write`,
  );
}

/** Who else can change what lies there; null if nobody can. */
function othersChange(host: Host, path: string): string | null {
  let here = '/';
  let todo = ['', ...components(path)];
  for (let links = 0; todo.length > 0; ) {
    const [name, ...rest] = todo as [string, ...string[]];
    const next = name === '..' ? dirname(here) : join(here, name);
    const stats = host.lstat(next);
    if (stats === null) return null;
    const what = next === path ? 'which' : `and ${next} on the way there`;
    if (stats.uid !== 0 && stats.uid !== process.geteuid?.()) return `${what} belongs to user ${stats.uid}`;
    const target = host.readLink(next);
    if (target !== null) {
      links += 1;
      if (links > MAX_LINKS) return `${what} is a link in a circle`;
      if (target.startsWith('/')) here = '/';
      todo = [...components(target), ...rest];
      continue;
    }
    const isNull = stats.isCharacterDevice() && stats.rdev === NULL_DEVICE;
    if (!isNull && (stats.mode & WRITABLE) !== 0) return `${what} may be written by other users than root`;
    here = next;
    todo = rest;
  }
  return null;
}

function components(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}
