/**
 * The files that another process sees, such as those of a container. Whoever owns them may be hostile: a name may lead to
 * a pipe, a device, a huge file, a link out of the tree, or to a file system that never answers. The walk opens one
 * component after another without following links (O_PATH), so nobody can exchange a component behind it.
 */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  type Stats,
} from 'node:fs';
import { codedError, hostError, nullIfMissing } from '../errors.ts';
import { nullIfGone } from '../process/proc.ts';
import { NULL_DEVICE, notRegular } from './read.ts';

/** open(2): the same number on every architecture that Node runs on. */
const O_PATH = 0o10000000;
/** As in the kernel (MAXSYMLINKS). */
const MAX_LINKS = 40;

/**
 * File systems that answer without a network and without a program of a user. Every other one might keep this process
 * waiting for ever.
 */
const LOCAL = new Set(
  'ext2 ext3 ext4 xfs btrfs bcachefs zfs f2fs jfs reiserfs overlay aufs squashfs erofs tmpfs ramfs rootfs iso9660 vfat'.split(
    ' ',
  ),
);

export interface ForeignFile {
  /** latin1. */
  readonly text: string;
  /** The stats of the file itself, links followed. */
  readonly stats: Stats;
}

export class ForeignTree {
  readonly #root: string;
  readonly #types: ReadonlyMap<string, string>;

  /**
   * `pid`: the process whose root folder is the tree. `relatives`: processes of the same mount namespace; a process in a
   * chroot does not see the mount that its own root lies on. Throws HostError if the process has ended, or is not visible.
   */
  constructor(pid: number, relatives: readonly number[] = []) {
    this.#root = `/proc/${pid}/root`;
    try {
      const others = relatives.flatMap((one) => nullIfGone(() => mountTypes(one)) ?? []);
      this.#types = new Map([...mountTypes('self'), ...others, ...mountTypes(pid)]);
    } catch (error) {
      throw hostError('look at', `/proc/${pid}/mountinfo`, error);
    }
  }

  /**
   * null if the path does not exist, or is a folder. /dev/null counts as an empty file. Throws HostError for everything
   * else that is no readable regular file of that size.
   */
  read(path: string, largest: number): ForeignFile | null {
    return this.#visit(path, (fd, stats) => {
      if (stats.isDirectory()) return null;
      if (stats.isCharacterDevice() && stats.rdev === NULL_DEVICE) return { text: '', stats };
      if (!stats.isFile()) throw notRegular(stats);
      if (stats.size > largest) throw codedError('EFBIG', `it is larger than ${Math.floor(largest / 1024)} KiB`);
      const opened = openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
      try {
        // The file may grow while it is read.
        const buffer = Buffer.alloc(stats.size);
        const length = readSync(opened, buffer, 0, stats.size, 0);
        return { text: buffer.toString('latin1', 0, length), stats };
      } finally {
        closeSync(opened);
      }
    });
  }

  /** Names in a folder, sorted by byte; empty if there is no such folder. Throws HostError. */
  list(path: string): string[] {
    const names = this.#visit(path, (fd, stats) =>
      stats.isDirectory() ? readdirSync(`/proc/self/fd/${fd}`).sort() : [],
    );
    return names ?? [];
  }

  #visit<T>(path: string, use: (fd: number, stats: Stats) => T | null): T | null {
    const opened: number[] = [];
    try {
      return nullIfMissing('read', this.#root + path, () => this.#walk(path, opened, use));
    } finally {
      for (const fd of opened) closeSync(fd);
    }
  }

  /** `opened`: receives every descriptor that the walk opens. */
  #walk<T>(path: string, opened: number[], use: (fd: number, stats: Stats) => T): T {
    const open = (name: string, flags: number) => {
      const fd = openSync(name, O_PATH | flags);
      opened.push(fd);
      this.#refuseRemote(fd);
      return fd;
    };
    // Folders from the root down to the present one: ".." never leaves the root.
    const folders = [open(this.#root, constants.O_DIRECTORY)];
    let todo = components(path);
    let links = 0;
    for (;;) {
      const [name, ...rest] = todo;
      const folder = folders.at(-1)!;
      if (name === undefined) return use(folder, fstatSync(folder));
      todo = rest;
      if (name === '..') {
        if (folders.length > 1) folders.pop();
        continue;
      }
      const place = `/proc/self/fd/${folder}/${name}`;
      const fd = open(place, constants.O_NOFOLLOW);
      const stats = fstatSync(fd);
      if (stats.isDirectory()) folders.push(fd);
      else if (stats.isSymbolicLink()) {
        links += 1;
        if (links > MAX_LINKS) throw codedError('ELOOP', 'its symbolic links go round in a circle');
        const link = readlinkSync(place);
        if (link.startsWith('/')) folders.splice(1);
        todo = [...components(link), ...todo];
      } else if (todo.length === 0) return use(fd, stats);
      else throw codedError('ENOTDIR', 'a part of its path is not a folder');
    }
  }

  /** Looks at the mount before anything asks the file system itself. */
  #refuseRemote(fd: number): void {
    const mount = /^mnt_id:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1] ?? '';
    const type = this.#types.get(mount) ?? 'unknown';
    if (!LOCAL.has(type)) throw codedError('EREMOTE', `it lies on a file system (${type}) that may never answer`);
  }
}

/** The file system type of each mount id (proc_pid_mountinfo(5)). */
function mountTypes(pid: number | 'self'): [string, string][] {
  const lines = readFileSync(`/proc/${pid}/mountinfo`, 'latin1').split('\n');
  return lines.flatMap((line): [string, string][] => {
    const [front = '', back] = line.split(' - ', 2);
    return back === undefined ? [] : [[front.split(' ', 1)[0]!, back.split(' ', 1)[0]!]];
  });
}

function components(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}
