/** The only reader of /proc/PID (proc(5)). Each look throws if the process has ended, or if we may not see the file. */
import type { Stats } from 'node:fs';
import { readBytesSync, readdirSync, readlinkSync, readTextSync, statSync } from '../looks.ts';

/** `self`: the agent. */
export type Pid = number | 'self';

export interface ControlGroup {
  /** `name=systemd`, `cpu,cpuacct`; empty for cgroup v2. */
  readonly hierarchy: string;
  readonly path: string;
}

/** The result of a look; null if the process has ended, or we may not see it. */
export function nullIfGone<T>(look: () => T): T | null {
  try {
    return look();
  } catch {
    return null;
  }
}

export function processIds(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0);
}

export function procBytes(pid: Pid, file: string): Buffer {
  return readBytesSync(`/proc/${pid}/${file}`);
}

export function procText(pid: Pid, file: string): string {
  return readTextSync(`/proc/${pid}/${file}`);
}

export function procLink(pid: Pid, file: string): string {
  return readlinkSync(`/proc/${pid}/${file}`);
}

/** Links followed, as the process sees them. */
export function procStat(pid: Pid, file: string): Stats {
  const path = `/proc/${pid}/${file}`;
  const stats = statSync(path);
  if (stats === undefined) throw new Error(`${path} does not exist`);
  return stats;
}

/** proc_pid_comm(5): 15 bytes at most. It may hold anything. */
export function commOf(pid: Pid): string {
  return procText(pid, 'comm').slice(0, -1);
}

/** proc_pid_cmdline(5): empty for a thread of the kernel, and for an ended process whose parent has not waited yet. */
export function argumentsOf(pid: Pid): string[] {
  const text = procText(pid, 'cmdline');
  return text === '' ? [] : text.replace(/\0$/, '').split('\0');
}

/** One line of proc_pid_status(5) without its name; empty if there is no such line. */
export function statusField(status: string, name: string): string {
  return new RegExp(`^${name}:(.*)$`, 'm').exec(status)?.[1]?.trim() ?? '';
}

/** The real, effective, saved and file system user, from the text of proc_pid_status(5). */
export function userIds(status: string): number[] {
  return statusField(status, 'Uid')
    .split(/\s+/)
    .map((id) => Number.parseInt(id, 10));
}

/** The parent's process id, from the text of proc_pid_status(5). */
export function parentOf(status: string): number {
  return Number(statusField(status, 'PPid'));
}

/**
 * Ticks from the boot to the start of the process: with the process id a name that no other process of this boot has.
 * It is field 22 of proc_pid_stat(5), counted from the last ")", because the comm in parentheses may hold anything.
 */
export function startTicks(pid: Pid): string {
  const stat = procText(pid, 'stat');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

/**
 * A file of /proc/net has an inode of its own in each network namespace. The namespace's own link needs the right to
 * trace.
 */
export function networkInode(pid: Pid): number {
  return procStat(pid, 'net/dev').ino;
}

/** proc_pid_cgroup(5), in the order of the file. */
export function controlGroups(pid: Pid): ControlGroup[] {
  const lines = procText(pid, 'cgroup').matchAll(/^\d+:([^:]*):(.*)$/gm);
  return [...lines].map(([, hierarchy, path]) => ({ hierarchy: hierarchy!, path: path! }));
}

/** The systemd service or scope of a process, by its control group (cgroups(7)); null if there is none. */
export function unitOf(pid: Pid): string | null {
  // With both hierarchies (hybrid), one of the two may say only "/".
  for (const { hierarchy, path } of controlGroups(pid)) {
    if (hierarchy !== '' && hierarchy !== 'name=systemd') continue;
    const unit = path.split('/').findLast((part) => /\.(service|scope)$/.test(part));
    if (unit !== undefined) return unit;
  }
  return null;
}
