import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * Which of these programs run, by comm (15 characters at most, proc_pid_comm(5)), with one process id each. All of this
 * PID namespace count, whatever they see of the files: systemd gives its own daemons mount namespaces.
 */
export function runningDaemons(names: ReadonlySet<string>): Map<string, number> {
  const found = new Map<string, number>();
  const ours = namespace('self');
  for (const entry of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(entry)) continue;
    const name = comm(entry);
    if (!names.has(name) || found.has(name)) continue;
    const theirs = namespace(entry);
    // Not root: it cannot be told, and most hosts have no other.
    if (theirs === null || theirs === ours) found.set(name, Number(entry));
  }
  return found;
}

function comm(entry: string): string {
  try {
    return readFileSync(`/proc/${entry}/comm`, 'utf8').trimEnd();
  } catch {
    return ''; // it ended meanwhile
  }
}

function namespace(entry: string): string | null {
  try {
    return readlinkSync(`/proc/${entry}/ns/pid`);
  } catch {
    return null;
  }
}
