/** What is known of one process beside its command line: as what, where and how confined it runs (proc(5)). */
import { readFileSync, readlinkSync } from 'node:fs';

export interface ProcessOrigin {
  /** Ticks since the boot (starttime of proc_pid_stat(5)): with the process id its name, which no other ever has. */
  readonly start: string;
  /** The file that it was started from; it may have been replaced since. */
  readonly executable: string;
  /** Its working directory. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Whether arguments and environment are UTF-8, and so can be handed on as they are. */
  readonly isText: boolean;
  /** Real, effective, saved and file system user. */
  readonly users: readonly number[];
  /** By name as in /proc/PID/ns. */
  readonly namespaces: Readonly<Record<string, string>>;
  /** Lines of proc_pid_cgroup(5): hierarchy (`name=systemd`, `cpu,cpuacct`; of cgroup v2 empty) and path. */
  readonly cgroups: readonly { readonly hierarchy: string; readonly path: string }[];
  /** Lines of proc_pid_status(5) that keep a process from what another may do. */
  readonly confinement: string;
  readonly umask: string;
  readonly oomScoreAdjust: string;
  /** Soft limit of open files; null: none. */
  readonly openFiles: number | null;
}

const NAMESPACES = ['mnt', 'net', 'pid', 'user', 'uts', 'ipc'] as const;

/** null: it has ended, or is not ours to see. */
export function processOrigin(pid: number | 'self'): ProcessOrigin | null {
  const folder = `/proc/${pid}`;
  try {
    const status = read(`${folder}/status`);
    const environ = readFileSync(`${folder}/environ`);
    const words = readFileSync(`${folder}/cmdline`);
    const openFiles = /^Max open files\s+(\d+)/m.exec(read(`${folder}/limits`))?.[1];
    return {
      start: startOf(read(`${folder}/stat`)),
      executable: readlinkSync(`${folder}/exe`).replace(/ \(deleted\)$/, ''),
      folder: readlinkSync(`${folder}/cwd`),
      environment: variables(environ.toString()),
      isText: [environ, words].every((bytes) => Buffer.from(bytes.toString()).equals(bytes)),
      users: line(status, 'Uid').split(/\s+/).map(Number),
      namespaces: Object.fromEntries(NAMESPACES.map((name) => [name, readlinkSync(`${folder}/ns/${name}`)])),
      cgroups: cgroups(read(`${folder}/cgroup`)),
      confinement: ['CapBnd', 'NoNewPrivs', 'Seccomp'].map((name) => `${name} ${line(status, name)}`).join(', '),
      umask: line(status, 'Umask'),
      oomScoreAdjust: read(`${folder}/oom_score_adj`).trim(),
      openFiles: openFiles === undefined ? null : Number(openFiles),
    };
  } catch {
    return null;
  }
}

/** `start` of its details; null where it has ended. */
export function processBirth(pid: number): string | null {
  try {
    return startOf(read(`/proc/${pid}/stat`));
  } catch {
    return null;
  }
}

/** The comm in parentheses may hold anything: fields are counted from the last ")". starttime is field 22. */
function startOf(stat: string): string {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function variables(environ: string): Record<string, string> {
  const pairs = environ.split('\0').flatMap((one): [string, string][] => {
    const at = one.indexOf('=');
    return at < 1 ? [] : [[one.slice(0, at), one.slice(at + 1)]];
  });
  return Object.fromEntries(pairs);
}

function cgroups(text: string): { hierarchy: string; path: string }[] {
  return text.split('\n').flatMap((one) => {
    const match = /^\d+:([^:]*):(.*)$/.exec(one);
    return match === null ? [] : [{ hierarchy: match[1] ?? '', path: match[2] ?? '' }];
  });
}

function line(status: string, name: string): string {
  return new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]?.trim() ?? '';
}

const read = (path: string) => readFileSync(path, 'utf8');
