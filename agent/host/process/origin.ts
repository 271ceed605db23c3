/** The facts about one process beside its command line: its user, its namespaces and its confinement (proc(5)). */
import {
  type ControlGroup,
  controlGroups,
  nullIfGone,
  type Pid,
  procBytes,
  procLink,
  procText,
  startTicks,
  statusField,
  userIds,
} from './proc.ts';

export interface ProcessOrigin {
  /** Ticks from the boot to its start. With the process id they form a name that no other process has. */
  readonly start: string;
  /** The file that it was started from; this file may have been replaced since. */
  readonly executable: string;
  /** Its working directory. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Whether arguments and environment are UTF-8, and so can be passed on unchanged. */
  readonly isText: boolean;
  /** Real, effective, saved and file system user. */
  readonly users: readonly number[];
  /** By name, as in /proc/PID/ns. */
  readonly namespaces: Readonly<Record<string, string>>;
  readonly cgroups: readonly ControlGroup[];
  /** Lines of proc_pid_status(5) that restrict the process. */
  readonly confinement: string;
  readonly umask: string;
  readonly oomScoreAdjust: string;
  /** Soft limit of open files; null if there is none. */
  readonly openFiles: number | null;
}

const NAMESPACES = ['mnt', 'net', 'pid', 'user', 'uts', 'ipc'] as const;

/** null if the process has ended, or is not visible to us. */
export function processOrigin(pid: Pid): ProcessOrigin | null {
  return nullIfGone(() => {
    const status = procText(pid, 'status');
    const environ = procBytes(pid, 'environ');
    const openFiles = /^Max open files\s+(\d+)/m.exec(procText(pid, 'limits'))?.[1];
    const confinement = ['CapBnd', 'NoNewPrivs', 'Seccomp'].map((name) => `${name} ${statusField(status, name)}`);
    return {
      start: startTicks(pid),
      executable: procLink(pid, 'exe').replace(/ \(deleted\)$/, ''),
      folder: procLink(pid, 'cwd'),
      environment: variables(environ.toString()),
      isText: [environ, procBytes(pid, 'cmdline')].every((bytes) => Buffer.from(bytes.toString()).equals(bytes)),
      users: userIds(status),
      namespaces: Object.fromEntries(NAMESPACES.map((name) => [name, procLink(pid, `ns/${name}`)])),
      cgroups: controlGroups(pid),
      confinement: confinement.join(', '),
      umask: statusField(status, 'Umask'),
      oomScoreAdjust: procText(pid, 'oom_score_adj').trim(),
      openFiles: openFiles === undefined ? null : Number(openFiles),
    };
  });
}

function variables(environ: string): Record<string, string> {
  const pairs = environ.split('\0').flatMap((one): [string, string][] => {
    const at = one.indexOf('=');
    return at < 1 ? [] : [[one.slice(0, at), one.slice(at + 1)]];
  });
  return Object.fromEntries(pairs);
}
