/** The files of a documented list, found and read within bounds. */
import type { Stats } from 'node:fs';
import { errorMessage, HostError } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { isGlob, matchesName } from './file-glob.ts';

/** Bytes. The largest configuration that is searched. */
const LARGEST = 1024 * 1024;
/** The most files that one pattern may find. */
const MOST_FILES = 1000;
/** The most folders whose names are compared with the patterns of one program. */
const MOST_FOLDERS = 5000;
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
 * Reads the files of these patterns (file-glob.ts), and a missing file counts as no file. A file that two patterns or
 * links name is read once.
 */
export function readFiles(tree: FileTree, patterns: readonly string[]): ReadFiles {
  const reading = new FileReading(tree);
  const files = patterns.flatMap((pattern) => reading.read(pattern));
  return { files, unread: reading.unread() };
}

/** Reads files of one tree, each once. */
export class FileReading {
  readonly #tree: FileTree;
  readonly #seen = new Set<string>();
  readonly #unread: string[] = [];
  #listed = 0;

  constructor(tree: FileTree) {
    this.#tree = tree;
  }

  /** The files of a pattern that were not read before. `why` stands behind the sentence about a file that is not read. */
  read(pattern: string, { why = '', isSkipped = (_name: string): boolean => false } = {}): ReadFile[] {
    const paths = this.#guarded(why, () => this.#matching(pattern)) ?? [];
    if (paths.length > MOST_FILES)
      this.miss(`${pattern} matches more than ${MOST_FILES} files; the others were not read${why}`);
    const wanted = paths.slice(0, MOST_FILES).filter((path) => !isSkipped(path.slice(path.lastIndexOf('/') + 1)));
    return wanted.flatMap((path) => this.#guarded(why, () => this.#readOne(path)) ?? []);
  }

  /** Notes a sentence about what is not read. */
  miss(reason: string): void {
    this.#unread.push(reason);
  }

  /** A sentence for each file or folder that could not be read, or for the first ones and the number of the others. */
  unread(): string[] {
    const more = this.#unread.length - MOST_UNREAD;
    if (more <= 0) return this.#unread;
    return [...this.#unread.slice(0, MOST_UNREAD), `${more} more files could not be read`];
  }

  /** The paths that a pattern may mean, in the order of their names. One more than the bound if there are too many. */
  #matching(pattern: string): string[] {
    let paths = [''];
    for (const part of pattern.split('/').filter((one) => one !== '')) {
      const next: string[] = [];
      for (const folder of paths) {
        for (const name of isGlob(part) ? this.#named(folder, part) : [part]) next.push(`${folder}/${name}`);
        if (next.length > MOST_FILES) break;
      }
      paths = next.slice(0, MOST_FILES + 1);
    }
    return paths;
  }

  #named(folder: string, glob: string): string[] {
    this.#listed += 1;
    if (this.#listed > MOST_FOLDERS)
      throw new HostError(
        'EFBIG',
        `more than ${MOST_FOLDERS} folders would have to be searched for the files of one program`,
      );
    return this.#tree.list(folder).filter((name) => matchesName(glob, name));
  }

  /** null if there is none, or it was read before. Throws HostError. */
  #readOne(path: string): ReadFile | null {
    const file = this.#tree.read(path, LARGEST);
    const identity = file === null ? '' : `${file.stats.dev} ${file.stats.ino}`;
    if (file === null || this.#seen.has(identity)) return null;
    this.#seen.add(identity);
    return { path, text: file.text, changed: file.stats.ctimeMs };
  }

  #guarded<T>(why: string, look: () => T): T | null {
    try {
      return look();
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      this.miss(`${errorMessage(error)}${why}`);
      return null;
    }
  }
}
