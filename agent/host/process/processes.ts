import { readFileSync } from 'node:fs';
import { looked } from '../recorded-looks.ts';
import {
  argumentsOf,
  commOf,
  networkInode,
  nullIfGone,
  type Pid,
  parentOf,
  processIds,
  procText,
  startTicks,
  statusField,
  userIds,
} from './proc.ts';

export interface Process {
  readonly pid: number;
  readonly arguments: readonly string[];
  /** Milliseconds since the epoch, exact to 10 ms (USER_HZ, proc_pid_stat(5)). */
  readonly started: number;
  /**
   * Milliseconds since the boot, exact to 10 ms. Unlike `started`, the value stays the same after the clock was
   * stepped.
   */
  readonly sinceBoot: number;
}

/** USER_HZ: the same on every architecture that Node runs on. */
export const MILLISECONDS_A_TICK = 10;

/**
 * Selects the processes that count. `files`: processes with the same /etc, because a container's dhclient reads other
 * files than ours. `network`: processes of this PID and network namespace, whatever files they see: systemd gives its
 * own daemons mount namespaces, and dhcpcd changes its root. `both`: `ip netns exec` leaves a dhclient the host's /etc,
 * but its leases belong to another network.
 */
export type Neighbourhood = 'files' | 'network' | 'both';

/** The accounts under which distributions run these daemons, by comm. All other counted processes are root's. */
const ACCOUNTS: Readonly<Record<string, readonly string[]>> = {
  dnsmasq: ['dnsmasq'],
  dhcpcd: ['dhcpcd', '_dhcpcd'],
  unbound: ['unbound'],
  'systemd-network': ['systemd-network'],
  'systemd-resolve': ['systemd-resolve'],
};

/**
 * The running processes with that comm (15 characters at most, proc_pid_comm(5)), by pid. Any user may give a program
 * this name, and a command line that names files. Only processes of root, of the daemon's own account, and of our own
 * user count.
 */
export function processesNamed(name: string, neighbourhood: Neighbourhood): Process[] {
  const look = () => namedProcesses(name, neighbourhood);
  return looked('processes', `${neighbourhood} ${name}`, look, (all) => JSON.stringify(all.map(lasting)));
}

/** The parts of a process that stay the same. Its `started` is computed from clocks, at each look anew. */
function lasting({ pid, arguments: words, sinceBoot: start }: Process) {
  return [pid, words, start];
}

function namedProcesses(name: string, neighbourhood: Neighbourhood): Process[] {
  const named = processesByComm().get(name);
  if (named === undefined) return [];
  const places = PLACES[neighbourhood].map((place) => ({ place, ours: place('self') }));
  const found = named
    .filter((pid) => places.every(({ place, ours }) => (place(pid) ?? ours) === ours))
    .filter((pid) => isTrusted(pid, ACCOUNTS[name] ?? []))
    .map(readProcess);
  const all = found.filter((process) => process !== null).sort((a, b) => a.pid - b.pid);
  return all.filter((one) => !isForkOf(one, all));
}

/**
 * Whether the process is a child of one of these with the same command line. A dhclient that starts its script is two
 * processes for a moment, until the child's execve(2).
 */
function isForkOf({ pid, arguments: words }: Process, all: readonly Process[]): boolean {
  const same = all.filter((one) => one.pid !== pid && one.arguments.join('\0') === words.join('\0'));
  if (same.length === 0) return false;
  const parent = nullIfGone(() => parentOf(procText(pid, 'status')));
  return same.some((one) => one.pid === parent);
}

/** Process ids by comm: one look at /proc serves all callers in the same turn of the event loop. */
function processesByComm(): Map<string, number[]> {
  if (seen === null) {
    seen = new Map();
    for (const pid of processIds()) {
      const comm = nullIfGone(() => commOf(pid));
      if (comm === null) continue;
      const others = seen.get(comm);
      if (others === undefined) seen.set(comm, [pid]);
      else others.push(pid);
    }
    setImmediate(() => {
      seen = null;
    });
  }
  return seen;
}

let seen: Map<string, number[]> | null = null;

/** `sinceBoot` of the process with that id; null if there is none. */
export function startOf(pid: number): number | null {
  return readProcess(pid)?.sinceBoot ?? null;
}

/** The ancestors of this process: its parent first, process 1 last. */
export function ancestors(): number[] {
  const found: number[] = [];
  for (let pid = process.ppid; pid > 0 && !found.includes(pid); ) {
    found.push(pid);
    pid = nullIfGone(() => parentOf(procText(pid, 'status'))) ?? 0;
  }
  return found;
}

function readProcess(pid: number): Process | null {
  return nullIfGone(() => {
    const start = startedSinceBoot(pid);
    const words = argumentsOf(pid);
    return words.length === 0 ? null : { pid, arguments: words, started: bootTime() + start, sinceBoot: start };
  });
}

/** Milliseconds since the epoch, exact to 10 ms. Throws if it has ended. */
export function startedAt(pid: number): number {
  return bootTime() + startedSinceBoot(pid);
}

/** Milliseconds. Throws if it has ended. */
function startedSinceBoot(pid: number): number {
  return Number(startTicks(pid)) * MILLISECONDS_A_TICK;
}

/** Milliseconds from the boot until now, by the clock that starttime counts, which is never stepped; exact to 10 ms. */
export function sinceBoot(): number {
  return Number((readOrNull('/proc/uptime') ?? '0').split(' ')[0]) * 1000;
}

/**
 * By its user ids, real, effective and saved: any user may start su(1) through a link called dhclient, and its
 * effective user is root.
 */
function isTrusted(pid: number, accounts: readonly string[]): boolean {
  const ids = nullIfGone(() => userIds(procText(pid, 'status')).slice(0, 3));
  if (ids === null) return false;
  const trusted = [0, process.geteuid?.()];
  if (ids.every((id) => trusted.includes(id))) return true;
  const users = accounts.length === 0 ? '' : (readOrNull('/etc/passwd') ?? '');
  const own = accounts.flatMap((account) => {
    const id = new RegExp(`^${account}:[^:]*:(\\d+):`, 'm').exec(users)?.[1];
    return id === undefined ? [] : [Number(id)];
  });
  return ids.every((id) => trusted.includes(id) || own.includes(id));
}

/**
 * The folder that a process has as /etc: its file system, and its path there (proc_pid_mountinfo(5)); null if the
 * process ended meanwhile. The mount namespace does not decide: in the service's sandbox the agent has one of its own,
 * and may not look at others.
 */
function etcOf(pid: Pid): string | null {
  const mounts = (nullIfGone(() => procText(pid, 'mountinfo')) ?? '').split('\n').map((line) => line.split(' '));
  for (const [point, rest] of [
    ['/etc', ''],
    ['/', '/etc'],
  ] as const) {
    const [, , device, folder = ''] = mounts.findLast((fields) => fields[4] === point) ?? [];
    if (device !== undefined) return `${device} ${folder === '/' ? '' : folder}${rest}`;
  }
  return null;
}

/** Whether a process has the same folder as /etc as this process. true if it ended meanwhile. */
export function seesOurEtc(pid: number): boolean {
  const theirs = nullIfGone(() => procText(pid, 'mountinfo'));
  return theirs === null || etcOf(pid) === etcOf('self');
}

/**
 * The depth of its PID namespace, and its network; null if the process ended meanwhile. Reading the namespaces' own
 * links would need the right to trace the process.
 */
function networkOf(pid: Pid): string | null {
  return nullIfGone(() => {
    const depth = statusField(procText(pid, 'status'), 'NSpid').split('\t').length;
    return `${depth} ${networkInode(pid)}`;
  });
}

/**
 * Whether this process sees another network than the host whose /etc it has: `ip netns exec NAME`, or a login shell of
 * an sshd in another namespace. false also if process 1 is not visible, or belongs to another host (a container).
 */
export function inOtherNetwork(): boolean {
  const [first, own] = [nullIfGone(() => networkInode(1)), nullIfGone(() => networkInode('self'))];
  return first !== null && own !== null && first !== own && etcOf(1) === etcOf('self');
}

const PLACES = { files: [etcOf], network: [networkOf], both: [etcOf, networkOf] } as const;

/** Milliseconds since the epoch at which starttime counts 0. /proc/stat's btime has only whole seconds. */
export function bootTime(): number {
  return Date.now() - sinceBoot();
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
