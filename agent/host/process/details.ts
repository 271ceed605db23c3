/** Which process did something: what /proc tells of it to a person. */
import { statSync } from 'node:fs';
import {
  argumentsOf,
  commOf,
  networkInode,
  nullIfGone,
  procLink,
  procStat,
  procText,
  statusField,
  unitOf,
  userIds,
} from '../proc.ts';
import { startedAt } from './processes.ts';

/** Milliseconds by which a start may seem later than a deed of the process: /proc has steps of 10 ms, and two clocks are compared. */
const SLACK = 50;

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

/** The process whose thread did something at that time; null: it has ended, or another one has its number since. */
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
      parent: Number(statusField(status, 'PPid')),
      started: startedAt(thread),
    };
  });
  return details === null || details.started > time + SLACK ? null : details;
}

/** Whether what it calls by that name is the folder that we call so: a container's /etc is another. true where it cannot be told. */
export function seesFolder(pid: number, folder: string): boolean {
  const same = nullIfGone(() => {
    const [its, ours] = [procStat(pid, `root${folder}`), statSync(folder)];
    return its.dev === ours.dev && its.ino === ours.ino;
  });
  return same ?? true;
}

/** Whether its network namespace, and with it most of /proc/sys/net, is ours. true where it cannot be told. */
export function sharesNetwork(pid: number): boolean {
  return nullIfGone(() => networkInode(pid) === networkInode('self')) ?? true;
}
