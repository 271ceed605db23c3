/**
 * Where a file is written, held so that nobody can put another place under its name meanwhile. Who may write in a folder
 * of its path could else have root write anywhere, by a link in the right moment; so it is gone to as systemd's chase()
 * and openat2(2) go: step by step, from descriptor to descriptor.
 */
import { closeSync, constants, existsSync, fstatSync, openSync, readlinkSync, type Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { HostError, hostError } from './errors.ts';

/** From linux/fcntl.h: opened to be meant, not to be read. Node has no name for it. */
export const O_PATH = 0o10000000;

const WRITABLE = 0o022;
const STICKY = 0o1000;
/** As many as the kernel follows (path_resolution(7)). */
const MAX_LINKS = 40;

export interface Place {
  /** The file. */
  readonly file: string;
  /** The folder, open. */
  readonly folder: number;
  /** Others may write there, or on the way there: names are looked up in the open folder, and files are to be meant by descriptor. */
  readonly shared: boolean;
  /** Another name in the same folder. */
  beside(name: string): string;
}

/**
 * Does something to the file of that path. A link in the last component is not followed by this, and must not be by `work`.
 * Links above it are, but for those that others than root and this process's user may have put there.
 * Throws HostError; one that `work` throws goes through.
 */
export function inPlace<T>(deed: string, path: string, work: (place: Place) => T): T {
  try {
    const { folder, shared } = openFolder(dirname(path));
    try {
      const there = shared ? openFile(folder) : dirname(path);
      const beside = (name: string) => `${there === '/' ? '' : there}/${name}`;
      return work({ file: beside(basename(path)), folder, shared, beside });
    } finally {
      closeSync(folder);
    }
  } catch (error) {
    throw error instanceof HostError ? error : hostError(deed, path, error);
  }
}

/** What the kernel calls an open file or folder, whatever has become of its name (proc_pid_fd(5)). */
export function openFile(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

function openFolder(path: string): Pick<Place, 'folder' | 'shared'> {
  const asFolder = constants.O_RDONLY | constants.O_DIRECTORY;
  // A chroot that is being made may have no /proc.
  if (!existsSync('/proc/self/fd')) return { folder: openSync(path, asFolder), shared: false };
  let shared = false;
  let here = openSync('/', O_PATH);
  try {
    let todo = components(path);
    for (let links = 0; todo.length > 0; ) {
      const [name, ...rest] = todo as [string, ...string[]];
      const next = openSync(within(here, name), O_PATH | constants.O_NOFOLLOW);
      const stats = fstatSync(next);
      const stays = staysThere(fstatSync(here), stats);
      if (!stats.isSymbolicLink()) {
        closeSync(here);
        here = next;
        todo = rest;
        shared ||= !stays;
        continue;
      }
      closeSync(next);
      const link = within(here, name);
      if (!stays) throw foreignLink(join(readlinkSync(openFile(here)), name));
      links += 1;
      if (links > MAX_LINKS) throw Object.assign(new Error('ELOOP: too many symbolic links'), { code: 'ELOOP' });
      const target = readlinkSync(link);
      todo = [...components(target), ...rest];
      if (!target.startsWith('/')) continue;
      closeSync(here);
      here = openSync('/', O_PATH);
    }
    const folder = openSync(openFile(here), asFolder);
    return { folder, shared: shared || !isOurs(fstatSync(folder)) || isWritable(fstatSync(folder)) };
  } finally {
    closeSync(here);
  }
}

/** Not node:path's join, to which `..` is a matter of text. */
function within(folder: number, name: string): string {
  return `${openFile(folder)}/${name}`;
}

/** `..` is the kernel's to resolve: of a folder that is open it is the real one. */
function components(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

/** Whether nobody else could have put that into that folder, or can put another in its place. */
function staysThere(folder: Stats, entry: Stats): boolean {
  return isOurs(folder) && (!isWritable(folder) || ((folder.mode & STICKY) !== 0 && isOurs(entry)));
}

/** Root's, or of this process's user. */
function isOurs({ uid }: Stats): boolean {
  return uid === 0 || uid === process.geteuid?.();
}

/** By group or others; of an ACL st_mode shows the mask. */
function isWritable({ mode }: Stats): boolean {
  return (mode & WRITABLE) !== 0;
}

function foreignLink(path: string): Error {
  const message = `${path}, on the way there, is a symbolic link that others may have put there; name the folder that is meant`;
  return Object.assign(new Error(message), { code: 'ELINK' });
}
