import { commOf, nullIfGone, processIds, procLink, procText } from './proc.ts';

/**
 * The running programs among these names, by comm (15 characters at most, proc_pid_comm(5)), with one process id each.
 * Every process of this PID namespace counts, in any mount namespace: systemd gives its own daemons mount namespaces.
 */
export function runningDaemons(names: ReadonlySet<string>): Map<string, number> {
  const found = new Map<string, number>();
  for (const pid of processIds()) {
    const name = nullIfGone(() => commOf(pid));
    if (name !== null && names.has(name) && !found.has(name) && isOurs(pid)) found.set(name, pid);
  }
  return found;
}

/**
 * The processes that have this file mapped (proc_pid_maps(5)), such as a library: `curl[12]`. Only root can see the
 * maps of other users' processes.
 */
export function usersOfFile(path: string): string[] {
  const users = processIds().filter((pid) => {
    return nullIfGone(() => procText(pid, 'maps').includes(` ${path}\n`)) === true && isOurs(pid);
  });
  return users.map((pid) => `${nullIfGone(() => commOf(pid)) ?? ''}[${pid}]`);
}

/**
 * Whether the process is in this PID namespace. Only root can see this for other users' processes; most hosts have no
 * second namespace.
 */
function isOurs(pid: number): boolean {
  const [theirs, ours] = [pid, 'self' as const].map((one) => nullIfGone(() => procLink(one, 'ns/pid')));
  return theirs === null || theirs === ours;
}
