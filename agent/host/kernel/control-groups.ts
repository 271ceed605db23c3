/** The control groups of cgroup v2 by the inode numbers of their folders, which the kernel's packet filter shows. */
import { type FSWatcher, lstatSync, readdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import { nullIfGone, procText } from '../process/proc.ts';

/** Folders of one look. A large host of containers has some thousands. */
const MOST_FOLDERS = 20_000;
const DEEPEST = 12;
/** Watched folders: slices, and the services that hold a user's own systemd. */
const MOST_WATCHED = 256;
/** Folders whose groups come and go: `system.slice`, `user@1000.service`, `app.slice`, `kubepods.slice`. */
const CHANGING = /^(?:.+\.slice|user@\d+\.service)$/;

/** Where cgroup v2 is mounted with its root as we see it; null if it is not mounted. */
export function controlGroupRoot(): string | null {
  // proc_pid_mountinfo(5): field 4 is the mounted part, field 5 the mount point; the type follows " - ".
  const mounts = nullIfGone(() => procText('self', 'mountinfo')) ?? '';
  return /^(?:\S+ ){3}\/ (\S+) .*- cgroup2 /m.exec(mounts)?.[1] ?? null;
}

/** The path of each group below the root (`/system.slice/cron.service`), by inode number. Never throws. */
export function controlGroupsByInode(root: string): Map<number, string> {
  const found = new Map<number, string>();
  const visit = (path: string, depth: number): void => {
    for (const name of foldersIn(join(root, path))) {
      if (found.size >= MOST_FOLDERS) return;
      const inode = inodeOf(join(root, path, name));
      if (inode === null) continue;
      found.set(inode, `${path}/${name}`);
      if (depth < DEEPEST) visit(`${path}/${name}`, depth + 1);
    }
  };
  visit('', 1);
  return found;
}

/** Hears of groups while they are made, so that a unit that lives for a second has a name afterwards. */
export class GroupWatch {
  readonly #root: string;
  readonly #made: (inode: number, path: string) => void;
  readonly #watchers = new Map<string, FSWatcher>();

  /** Never throws: without inotify, groups are found by looking. */
  constructor(root: string, made: (inode: number, path: string) => void) {
    this.#root = root;
    this.#made = made;
    this.#follow('');
  }

  close(): void {
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #follow(path: string): void {
    if (this.#watchers.has(path) || this.#watchers.size >= MOST_WATCHED) return;
    const folder = join(this.#root, path);
    try {
      const watcher = watch(folder, { persistent: false }, (event, name) => {
        if (event === 'rename' && name !== null) this.#see(path, name);
      });
      watcher.on('error', () => this.#forget(path));
      this.#watchers.set(path, watcher);
    } catch {
      return; // The group is gone, or inotify has no room.
    }
    for (const name of foldersIn(folder)) if (CHANGING.test(name)) this.#follow(`${path}/${name}`);
  }

  #see(parent: string, name: string): void {
    const path = `${parent}/${name}`;
    const inode = inodeOf(join(this.#root, path));
    if (inode === null) {
      this.#forget(path);
      return;
    }
    this.#made(inode, path);
    if (!CHANGING.test(name)) return;
    this.#follow(path);
    // Groups that were made in it before the watch began.
    for (const child of foldersIn(join(this.#root, path))) {
      const own = inodeOf(join(this.#root, path, child));
      if (own !== null) this.#made(own, `${path}/${child}`);
    }
  }

  #forget(path: string): void {
    this.#watchers.get(path)?.close();
    this.#watchers.delete(path);
  }
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return [];
  }
}

/** null if it is no folder, or is gone. */
function inodeOf(path: string): number | null {
  try {
    const found = lstatSync(path);
    return found.isDirectory() ? found.ino : null;
  } catch {
    return null;
  }
}
