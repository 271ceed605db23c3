import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface Process {
  readonly pid: number;
  readonly arguments: readonly string[];
  /** Milliseconds since the epoch, exact to 10 ms (USER_HZ, proc_pid_stat(5)). */
  readonly started: number;
}

/** USER_HZ: the same on every architecture that Node runs on. */
const MILLISECONDS_A_TICK = 10;

/**
 * The running processes with that comm (proc_pid_comm(5)) in this mount namespace, by pid: a container's dhclient reads
 * other files than ours, although the host sees it.
 */
export function processesNamed(name: string): Process[] {
  const found: Process[] = [];
  for (const entry of readdirSync('/proc')) {
    const first = entry.charCodeAt(0);
    if (first < 0x30 || first > 0x39 || readOrNull(`/proc/${entry}/comm`) !== `${name}\n`) continue;
    const process = readProcess(Number(entry));
    if (process !== null) found.push(process);
  }
  return found.sort((a, b) => a.pid - b.pid);
}

function readProcess(pid: number): Process | null {
  const stat = readOrNull(`/proc/${pid}/stat`);
  const commandLine = readOrNull(`/proc/${pid}/cmdline`);
  if (stat === null || commandLine === null || commandLine === '' || !seesOurFiles(pid)) return null;
  // The comm in parentheses may hold anything: fields are counted from the last ")". starttime is field 22.
  const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  return {
    pid,
    arguments: commandLine.replace(/\0$/, '').split('\0'),
    started: bootTime() + ticks * MILLISECONDS_A_TICK,
  };
}

function seesOurFiles(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`) === readlinkSync('/proc/self/ns/mnt');
  } catch {
    return true; // not root: it cannot be told, and most hosts have no other
  }
}

/** Milliseconds since the epoch at which starttime counts 0. /proc/stat's btime is a whole second only. */
function bootTime(): number {
  const uptime = readOrNull('/proc/uptime') ?? '0';
  return Date.now() - Number(uptime.split(' ')[0]) * 1000;
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null; // it ended meanwhile
  }
}
