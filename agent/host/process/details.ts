/** The details of a process for a report, from /proc. */
import { statSync } from '../looks.ts';
import {
  argumentsOf,
  commOf,
  networkInode,
  nullIfGone,
  parentOf,
  procLink,
  procStat,
  procText,
  statusField,
  unitOf,
  userIds,
} from './proc.ts';
import { startedAt } from './processes.ts';

/**
 * Milliseconds by which a start may seem later than the process's own action: /proc has steps of 10 ms, and two clocks
 * are compared.
 */
const SLACK = 50;

export interface ProcessDetails {
  readonly pid: number;
  /** proc_pid_comm(5). May hold any bytes, like all fields below. */
  readonly comm: string;
  /** Path of its program; null for a thread of the kernel, or if the path is not visible. */
  readonly executable: string | null;
  readonly arguments: readonly string[];
  /** Its real user id. */
  readonly uid: number;
  /** The systemd service or scope of the process. */
  readonly unit: string | null;
  readonly parent: number;
  /** Milliseconds since the epoch, exact to 10 ms. */
  readonly started: number;
}

/** The process whose thread acted at that time; null if it has ended, or another process has its number now. */
export function processAt(thread: number, time: number): ProcessDetails | null {
  const details = nullIfGone((): ProcessDetails => {
    const status = procText(thread, 'status');
    const pid = Number(statusField(status, 'Tgid'));
    return {
      pid,
      comm: commOf(pid),
      executable: nullIfGone(() => procLink(pid, 'exe')),
      arguments: argumentsOf(pid),
      uid: userIds(status)[0]!,
      unit: unitOf(pid),
      parent: parentOf(status),
      started: startedAt(thread),
    };
  });
  return details === null || details.started > time + SLACK ? null : details;
}

/**
 * Whether the process sees the same folder under that name: a container's /etc is another folder. true if this is
 * unknown.
 */
export function seesFolder(pid: number, folder: string): boolean {
  const same = nullIfGone(() => {
    const [its, ours] = [procStat(pid, `root${folder}`), statSync(folder)!];
    return its.dev === ours.dev && its.ino === ours.ino;
  });
  return same ?? true;
}

/** Whether its network namespace, and with it most of /proc/sys/net, is ours. true if this is unknown. */
export function sharesNetwork(pid: number): boolean {
  return nullIfGone(() => networkInode(pid) === networkInode('self')) ?? true;
}
