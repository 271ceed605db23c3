/** The memory that a process' control groups let it have: the kernel's own, for its routes too, is charged to them (cgroup-v2.rst). */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface MemoryLimit {
  /** The control group, as its hierarchy names it: `/system.slice/bird.service`. */
  readonly group: string;
  /** Bytes. */
  readonly limit: number;
  /** Without the cache of files, which the kernel takes back before it refuses anything. */
  readonly used: number;
}

interface Hierarchy {
  /** Fields 1 to 2 of a line of proc_pid_cgroup(5), as an expression. */
  readonly line: RegExp;
  readonly mount: RegExp;
  readonly files: readonly [limit: string, used: string];
}

/** The second version's files are not there where the memory controller is of the first, and the other way round. */
const HIERARCHIES: readonly Hierarchy[] = [
  { line: /^0::(\/.*)$/m, mount: /^(?:\S+ ){4}(\S+) .*- cgroup2 /m, files: ['memory.max', 'memory.current'] },
  {
    line: /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(\/.*)$/m,
    mount: /^(?:\S+ ){4}(\S+) .*- cgroup \S+ \S*\bmemory\b/m,
    files: ['memory.limit_in_bytes', 'memory.usage_in_bytes'],
  },
];
/** The first version's "none" is as much as fits into a signed number, in pages. */
const NO_LIMIT = 2 ** 62;

/** The one of its groups that has the least room left; null: none has a limit, or it cannot be told. */
export function memoryLimitOf(pid: number): MemoryLimit | null {
  try {
    const groups = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
    const limits = HIERARCHIES.flatMap((hierarchy) => limitsOf(hierarchy, groups, mounts));
    const [tightest] = limits.sort((a, b) => a.limit - a.used - (b.limit - b.used));
    return tightest ?? null;
  } catch {
    return null; // it has ended
  }
}

function limitsOf({ line, mount, files }: Hierarchy, groups: string, mounts: string): MemoryLimit[] {
  const leaf = line.exec(groups)?.[1];
  const folder = mount.exec(mounts)?.[1];
  // A group outside of our control group namespace is `/../…`.
  if (leaf === undefined || folder === undefined || leaf.split('/').includes('..')) return [];
  return ancestors(leaf).flatMap((group) => {
    const [limit, charged] = files.map((file) => amount(join(folder, group, file)));
    if (limit === undefined || charged === undefined || limit >= NO_LIMIT) return [];
    return [{ group, limit, used: Math.max(0, charged - cached(join(folder, group, 'memory.stat'))) }];
  });
}

/** Of the group and those below it: in the first version's words `total_`. */
function cached(file: string): number {
  const stat = readFileSync(file, 'latin1');
  const total = stat.includes('\ntotal_active_file ') ? 'total_' : '';
  const parts = stat.matchAll(new RegExp(`^${total}(?:in)?active_file (\\d+)$`, 'gm'));
  return [...parts].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
}

function ancestors(group: string): string[] {
  return group === '/' ? [group] : [group, ...ancestors(dirname(group))];
}

/** undefined: there is no such file, or it says `max`. */
function amount(file: string): number | undefined {
  try {
    const text = readFileSync(file, 'latin1').trim();
    return /^\d+$/.test(text) ? Number(text) : undefined;
  } catch {
    return undefined;
  }
}
