/**
 * Names of control groups by number. A group's number says nothing once the group is gone, so the daemon keeps the
 * names that it saw. `agent depends` and the next daemon read them from /run.
 */
import type { Host } from '../../host/host.ts';
import { controlGroupRoot, controlGroupsByInode, GroupWatch } from '../../host/kernel/control-groups.ts';
import { RUN_FOLDER } from '../../host/paths.ts';

const FILE = `${RUN_FOLDER}/ledger-units`;
/** Names kept. A timer that runs once a minute makes 1,500 groups in the 25 hours that an element lives. */
const MOST_NAMES = 10_000;
/** Milliseconds between looks at all groups for a number that has no name. */
const LOOK_EVERY = 60_000;

export class GroupNames {
  readonly #host: Host;
  readonly #root: string | null;
  readonly #watch: GroupWatch | null;
  readonly #names: Map<number, string>;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #changed = false;

  /** @param follow true, for a daemon: hear of new groups until `close`, and keep the names. */
  constructor(host: Host, { follow }: { follow: boolean }) {
    this.#host = host;
    this.#names = savedNames(host);
    this.#root = host.live ? controlGroupRoot() : null;
    this.#watch =
      follow && this.#root !== null ? new GroupWatch(this.#root, (inode, path) => this.#learn(inode, path)) : null;
  }

  /** The path of each group (`/system.slice/cron.service`); a group that nobody saw while it lived is not in the map. */
  pathsOf(inodes: ReadonlySet<number>): ReadonlyMap<number, string> {
    const isNamed = (inode: number) => this.#names.has(inode);
    if (this.#root !== null && ![...inodes].every(isNamed) && performance.now() - this.#lookedAt >= LOOK_EVERY) {
      this.#lookedAt = performance.now();
      const found = controlGroupsByInode(this.#root);
      for (const inode of inodes) {
        const path = found.get(inode);
        if (path !== undefined) this.#learn(inode, path);
      }
    }
    return new Map([...inodes].flatMap((inode) => (isNamed(inode) ? [[inode, this.#names.get(inode)!]] : [])));
  }

  /** Saves the names of these groups, which are all that the ledger has. Losing them costs only names. */
  keep(inodes: ReadonlySet<number>): void {
    const kept = [...this.#names].filter(([inode]) => inodes.has(inode));
    if (!this.#changed) return;
    try {
      this.#host.makeFolder(RUN_FOLDER, 0o755);
      this.#host.replaceOwn(FILE, `${JSON.stringify(kept)}\n`, 0o600);
      this.#changed = false;
    } catch {
      // /run is full or read-only. The next reading tries again.
    }
  }

  close(): void {
    this.#watch?.close();
  }

  #learn(inode: number, path: string): void {
    if (this.#names.get(inode) === path) return;
    this.#names.delete(inode);
    this.#names.set(inode, path);
    this.#changed = true;
    // The oldest names go first.
    for (const oldest of this.#names.keys()) {
      if (this.#names.size <= MOST_NAMES) break;
      this.#names.delete(oldest);
    }
  }
}

/** `cron.service`, `docker-0123….scope`; the whole path of a group that belongs to no unit. */
export function unitInPath(path: string): string {
  return path.split('/').findLast((part) => /\.(?:service|scope)$/.test(part)) ?? path;
}

function savedNames(host: Host): Map<number, string> {
  try {
    const saved: unknown = JSON.parse(host.readText(FILE) ?? '[]');
    const isPair = (one: unknown): one is [number, string] =>
      Array.isArray(one) && typeof one[0] === 'number' && typeof one[1] === 'string';
    return new Map((Array.isArray(saved) ? saved : []).filter(isPair).slice(-MOST_NAMES));
  } catch {
    return new Map();
  }
}
