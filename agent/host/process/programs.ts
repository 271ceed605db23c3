/** All programs of this host in one look at /proc, with the file tree that each sees. */
import { errorCode } from '../errors.ts';
import { type Container, containerOf } from './containers.ts';
import { commOf, nullIfGone, processIds, procLink, procText } from './proc.ts';
import { bootTime, MILLISECONDS_A_TICK } from './processes.ts';

export interface Program {
  readonly pid: number;
  readonly parent: number;
  /** proc_pid_comm(5): 15 bytes at most. It may hold anything. */
  readonly comm: string;
  /** Path of its executable as it sees it; null if not visible. */
  readonly executable: string | null;
  /** Milliseconds since the epoch, exact to 10 ms. */
  readonly started: number;
  /** Milliseconds since the boot, exact to 10 ms. */
  readonly sinceBoot: number;
  /** The systemd service or scope; null if there is none. */
  readonly unit: string | null;
  /** null if it runs in no container that we know. */
  readonly container: Container | null;
  /** Identifies its file tree: mount namespace and root folder. null if this process may not see it. */
  readonly tree: string | null;
  /** Its mount namespace; null if not visible. */
  readonly mounts: string | null;
}

/** A thread of the kernel (PF_KTHREAD of linux/sched.h), in field 9 of proc_pid_stat(5). */
const KERNEL_THREAD = 0x00200000;

/** All running programs by pid, without threads of the kernel and processes that have ended. */
export function allPrograms(): Program[] {
  const boot = bootTime();
  const found = processIds().map((pid) => nullIfGone(() => readProgram(pid, boot)));
  return found.filter((one) => one !== null).sort((a, b) => a.pid - b.pid);
}

function readProgram(pid: number, boot: number): Program | null {
  const stat = procText(pid, 'stat');
  // The comm in parentheses may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X' || (Number(fields[6]) & KERNEL_THREAD) !== 0) return null;
  const sinceBoot = Number(fields[19]) * MILLISECONDS_A_TICK;
  const groups = nullIfGone(() => procText(pid, 'cgroup')) ?? '';
  return {
    pid,
    parent: Number(fields[1]),
    comm: commOf(pid),
    executable: nullIfGone(() => procLink(pid, 'exe')),
    started: boot + sinceBoot,
    sinceBoot,
    unit: /^(?:0:|\d+:name=systemd:).*\/([^/\n]+\.(?:service|scope))(?:\/|$)/m.exec(groups)?.[1] ?? null,
    container: containerOf(groups),
    ...treeOf(pid),
  };
}

/** Throws if the process has ended. */
function treeOf(pid: number): Pick<Program, 'tree' | 'mounts'> {
  try {
    const mounts = procLink(pid, 'ns/mnt');
    return { tree: `${mounts} ${procLink(pid, 'root')}`, mounts };
  } catch (error) {
    if (errorCode(error) === 'EACCES' || errorCode(error) === 'EPERM') return { tree: null, mounts: null };
    throw error;
  }
}
