/**
 * The memory limit of a process's control groups. Kernel memory also counts, including the memory of routes
 * (cgroup-v2.rst).
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type ControlGroup, controlGroups, procText } from '../process/proc.ts';

export interface MemoryLimit {
  /** The control group's path in its hierarchy: `/system.slice/bird.service`. */
  readonly group: string;
  /** Bytes. */
  readonly limit: number;
  /** Bytes in use, without the page cache: the kernel frees the cache before it refuses memory. */
  readonly used: number;
}

interface Hierarchy {
  readonly controllers: RegExp;
  readonly mount: RegExp;
  readonly files: readonly [limit: string, used: string];
}

/** The memory controller is either of cgroup v1 or of v2; only that version's files exist. */
const HIERARCHIES: readonly Hierarchy[] = [
  { controllers: /^$/, mount: /^(?:\S+ ){4}(\S+) .*- cgroup2 /m, files: ['memory.max', 'memory.current'] },
  {
    controllers: /^(.*,)?memory(,.*)?$/,
    mount: /^(?:\S+ ){4}(\S+) .*- cgroup \S+ \S*\bmemory\b/m,
    files: ['memory.limit_in_bytes', 'memory.usage_in_bytes'],
  },
];
/** In cgroup v1 "no limit" is the largest signed number, rounded to pages. */
const NO_LIMIT = 2 ** 62;

/**
 * The control group of the process with the least room left; null if no group has a limit, or the groups cannot be
 * read.
 */
export function memoryLimitOf(pid: number): MemoryLimit | null {
  try {
    const groups = controlGroups(pid);
    const mounts = procText('self', 'mountinfo');
    const limits = HIERARCHIES.flatMap((hierarchy) => limitsOf(hierarchy, groups, mounts));
    const [tightest] = limits.sort((a, b) => a.limit - a.used - (b.limit - b.used));
    return tightest ?? null;
  } catch {
    return null; // The process has ended.
  }
}

function limitsOf(
  { controllers, mount, files }: Hierarchy,
  groups: readonly ControlGroup[],
  mounts: string,
): MemoryLimit[] {
  const leaf = groups.find(({ hierarchy }) => controllers.test(hierarchy))?.path;
  const folder = mount.exec(mounts)?.[1];
  // A group outside of our control group namespace is `/../…`.
  if (leaf === undefined || folder === undefined || leaf.split('/').includes('..')) return [];
  return ancestors(leaf).flatMap((group) => {
    const [limit, charged] = files.map((file) => amount(join(folder, group, file)));
    if (limit === undefined || charged === undefined || limit >= NO_LIMIT) return [];
    return [{ group, limit, used: Math.max(0, charged - cached(join(folder, group, 'memory.stat'))) }];
  });
}

/** Counts the group and the groups below it; cgroup v1 calls these values `total_…`. */
function cached(file: string): number {
  const stat = readFileSync(file, 'latin1');
  const total = stat.includes('\ntotal_active_file ') ? 'total_' : '';
  const parts = stat.matchAll(new RegExp(`^${total}(?:in)?active_file (\\d+)$`, 'gm'));
  return [...parts].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
}

function ancestors(group: string): string[] {
  return group === '/' ? [group] : [group, ...ancestors(dirname(group))];
}

/** undefined if there is no such file, or the file says `max`. */
function amount(file: string): number | undefined {
  try {
    const text = readFileSync(file, 'latin1').trim();
    return /^\d+$/.test(text) ? Number(text) : undefined;
  } catch {
    return undefined;
  }
}
