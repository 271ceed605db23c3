/** What /proc tells of one running process, for who wants to know which one it is. */
import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { startedAt } from './processes.ts';

export interface ProcessDetails {
  readonly pid: number;
  /** proc_pid_comm(5). May hold anything, as all that follows. */
  readonly comm: string;
  /** Path of its program; null for a thread of the kernel, and where it may not be seen. */
  readonly executable: string | null;
  readonly arguments: readonly string[];
  /** Its real user id. */
  readonly uid: number;
  /** The systemd service or scope that it belongs to. */
  readonly unit: string | null;
  readonly parent: number;
  /** Milliseconds since the epoch, exact to 10 ms. */
  readonly started: number;
}

/** The process of a thread; null where it has ended. */
export function processOf(thread: number): ProcessDetails | null {
  try {
    const status = read(thread, 'status');
    const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
    const pid = field('Tgid');
    return {
      pid,
      comm: read(pid, 'comm').slice(0, -1),
      executable: executableOf(pid),
      arguments: read(pid, 'cmdline').replace(/\0$/, '').split('\0'),
      uid: field('Uid'),
      unit: unitOf(pid),
      parent: field('PPid'),
      started: startedAt(read(thread, 'stat')),
    };
  } catch {
    return null;
  }
}

/** Whether what it calls by that name is the folder that we call so: a container's /etc is another. true where it cannot be told. */
export function seesFolder(pid: number, folder: string): boolean {
  try {
    const [its, ours] = [statSync(`/proc/${pid}/root${folder}`), statSync(folder)];
    return its.dev === ours.dev && its.ino === ours.ino;
  } catch {
    return true;
  }
}

/** Whether its network namespace, and with it most of /proc/sys/net, is ours. true where it cannot be told. */
export function sharesNetwork(pid: number): boolean {
  try {
    // Not by ns/net, which only who may trace it can read: these files are each network namespace's own.
    return statSync(`/proc/${pid}/net/dev`).ino === statSync('/proc/self/net/dev').ino;
  } catch {
    return true;
  }
}

function executableOf(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return null;
  }
}

/** cgroups(7): of the unified hierarchy, or of systemd's own where there are several. */
function unitOf(pid: number): string | null {
  const path = /^(?:0:|\d+:name=systemd):(\/.*)$/m.exec(read(pid, 'cgroup'))?.[1] ?? '';
  return path.split('/').findLast((part) => /\.(service|scope)$/.test(part)) ?? null;
}

function read(pid: number, file: string): string {
  return readFileSync(`/proc/${pid}/${file}`, 'utf8');
}
