import { join } from 'node:path';
import { codedError } from '../errors.ts';
import { readlinkSync } from '../looks.ts';

/** Symbolic links followed in one path, as in the kernel (MAXSYMLINKS, path_resolution(7)). */
const MAX_LINKS = 40;

/**
 * The real place of `path` below `root`. Symbolic links are followed as in a process chrooted to `root`. An absolute
 * link in a `--root` folder therefore never leads out of the folder. `last` says whether a link in the last component
 * is followed. Throws ELOOP as the kernel does.
 */
export function resolveWithin(root: string, path: string, last: 'follow' | 'keep'): string {
  let todo = components(path);
  let done: string[] = [];
  let links = 0;
  while (todo.length > 0) {
    const [component, ...rest] = todo as [string, ...string[]];
    todo = rest;
    if (component === '..') {
      done.pop();
      continue;
    }
    const link = todo.length > 0 || last === 'follow' ? readLink(join(root, ...done, component)) : null;
    if (link === null) {
      done.push(component);
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) throw codedError('ELOOP', `ELOOP: too many symbolic links, '${path}'`);
    if (link.startsWith('/')) done = [];
    todo = [...components(link), ...todo];
  }
  return join(root, ...done);
}

function components(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

function readLink(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null; // Not a link, or missing: the caller's next access reports it.
  }
}
