/** The files of a documented list, found and read within bounds. */
import type { Stats } from 'node:fs';
import { errorMessage, HostError } from '../host/errors.ts';
import type { Host } from '../host/host.ts';

/** Bytes. The largest configuration that is searched. */
const LARGEST = 1024 * 1024;
/** The most files that one pattern may find. */
const MOST_FILES = 1000;
/** The most files that are named because they could not be read. */
const MOST_UNREAD = 5;

/** A tree of files: the host's own, or that of a program with other files. */
export interface FileTree {
  /** Names in a folder, sorted; empty if there is no such folder. Throws HostError. */
  list(folder: string): string[];
  /** A file of at most that many bytes; null if there is none. Throws HostError. */
  read(path: string, largest: number): { readonly text: string; readonly stats: Stats } | null;
}

export function ofHost(host: Host): FileTree {
  return {
    list: (folder) => host.list(folder),
    read(path, largest) {
      const stats = host.stat(path);
      // Links that lead nowhere, and entries that are no files, name nothing.
      if (stats === null || (!stats.isFile() && host.lstat(path)?.isSymbolicLink())) return null;
      if (stats.isDirectory()) return null;
      if (stats.size > largest) throw tooLarge(path, largest);
      const text = host.readText(path);
      return text === null ? null : { text, stats };
    },
  };
}

function tooLarge(path: string, largest: number): HostError {
  return new HostError('EFBIG', `${path} was not read, because it has more than ${largest / 1024} KiB`);
}

export interface ReadFile {
  readonly path: string;
  /** latin1. */
  readonly text: string;
  /** Milliseconds since the epoch: its last change (ctime), which no copying tool can set back. */
  readonly changed: number;
}

export interface ReadFiles {
  readonly files: readonly ReadFile[];
  /** A sentence for each file or folder that could not be read. */
  readonly unread: readonly string[];
}

/**
 * Reads the files of these patterns. A `*` stands for any characters within one name, and a missing file counts as no
 * file. A file that two patterns or links name is read once.
 */
export function readFiles(tree: FileTree, patterns: readonly string[]): ReadFiles {
  const files: ReadFile[] = [];
  const unread: string[] = [];
  const seen = new Set<string>();
  for (const pattern of patterns) {
    const paths = guarded(unread, () => matching(tree, pattern)) ?? [];
    if (paths.length > MOST_FILES)
      unread.push(`${pattern} matches more than ${MOST_FILES} files; the others were not read`);
    for (const path of paths.slice(0, MOST_FILES)) {
      guarded(unread, () => {
        const file = tree.read(path, LARGEST);
        const identity = file === null ? '' : `${file.stats.dev} ${file.stats.ino}`;
        if (file === null || seen.has(identity)) return;
        seen.add(identity);
        files.push({ path, text: file.text, changed: file.stats.ctimeMs });
      });
    }
  }
  const more = unread.length - MOST_UNREAD;
  return {
    files,
    unread: more > 0 ? [...unread.slice(0, MOST_UNREAD), `${more} more files could not be read`] : unread,
  };
}

/** The paths that a pattern may mean, in the order of their names. One more than the bound if there are too many. */
function matching(tree: FileTree, pattern: string): string[] {
  let paths = [''];
  for (const part of pattern.split('/').filter((one) => one !== '')) {
    if (!part.includes('*')) {
      paths = paths.map((path) => `${path}/${part}`);
      continue;
    }
    const name = new RegExp(`^(?!\\.)${part.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`, 's');
    const named = (folder: string) => tree.list(folder).filter((one) => name.test(one));
    paths = paths.flatMap((folder) => named(folder).map((one) => `${folder}/${one}`)).slice(0, MOST_FILES + 1);
  }
  return paths;
}

function guarded<T>(unread: string[], look: () => T): T | null {
  try {
    return look();
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    unread.push(errorMessage(error));
    return null;
  }
}
