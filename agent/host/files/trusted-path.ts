/**
 * The place where a file is written, held so that no other user can swap it in the meantime. A user who may write in a
 * folder of the path could otherwise place a link at the right moment and make root write anywhere. We therefore walk
 * the path as systemd's chase() and openat2(2) do: step by step, from descriptor to descriptor.
 */
import { closeSync, constants, existsSync, fstatSync, openSync, readlinkSync, type Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { codedError, HostError, hostError } from '../errors.ts';

/** O_PATH of linux/fcntl.h: a descriptor that names a file and cannot read it. Node has no name for it. */
export const O_PATH = 0o10000000;

const WRITABLE = 0o022;
const STICKY = 0o1000;
/** Symbolic links followed in one path, as in the kernel (path_resolution(7)). */
const MAX_LINKS = 40;

export interface TrustedPlace {
  /** Path of the file. */
  readonly file: string;
  /** Descriptor of the folder. */
  readonly folder: number;
  /**
   * Whether other users may write in the folder or above it. Names are then looked up in the open folder, and files
   * used by descriptor.
   */
  readonly shared: boolean;
  /** Path of another name in the same folder. */
  beside(name: string): string;
}

/**
 * Calls `work` with the place of that path. A link in the last component is not followed, and `work` must not follow
 * it. Links above it are followed only if root or this process's user made them. Throws HostError, and what `work`
 * throws.
 */
export function inPlace<T>(deed: string, path: string, work: (place: TrustedPlace) => T): T {
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

/** The kernel's path for an open file or folder, which works even if the name is gone (proc_pid_fd(5)). */
export function openFile(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

function openFolder(path: string): Pick<TrustedPlace, 'folder' | 'shared'> {
  const asFolder = constants.O_RDONLY | constants.O_DIRECTORY;
  // A chroot under construction may have no /proc.
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
      if (links > MAX_LINKS) throw codedError('ELOOP', 'ELOOP: too many symbolic links');
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

/** node:path's join is not used: it resolves `..` as text. */
function within(folder: number, name: string): string {
  return `${openFile(folder)}/${name}`;
}

/** The kernel resolves `..`: in an open folder it leads to the real parent. */
function components(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

/** Whether no other user could have put this entry into the folder, or can replace it. */
function staysThere(folder: Stats, entry: Stats): boolean {
  return isOurs(folder) && (!isWritable(folder) || ((folder.mode & STICKY) !== 0 && isOurs(entry)));
}

/** Whether root or this process's user owns it. */
function isOurs({ uid }: Stats): boolean {
  return uid === 0 || uid === process.geteuid?.();
}

/** Whether group or others may write. With an ACL st_mode shows the ACL's mask. */
function isWritable({ mode }: Stats): boolean {
  return (mode & WRITABLE) !== 0;
}

function foreignLink(path: string): Error {
  const message = `${path}, on the way there, is a symbolic link that others may have put there; name the folder that is meant`;
  return codedError('ELINK', message);
}
