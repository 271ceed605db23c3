import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * Which of these programs run, by comm (15 characters at most, proc_pid_comm(5)), with one process id each. Every process of
 * this PID namespace counts, whatever its mount namespace: systemd gives its own daemons mount namespaces.
 */
export function runningDaemons(names: ReadonlySet<string>): Map<string, number> {
  const found = new Map<string, number>();
  const ours = namespace('self');
  for (const entry of processIds()) {
    const name = comm(entry);
    if (names.has(name) && !found.has(name) && isOurs(entry, ours)) found.set(name, Number(entry));
  }
  return found;
}

/** Which of them have this file mapped (proc_pid_maps(5)), a library for instance: `curl[12]`. Only root can see the maps of other users' processes. */
export function usersOfFile(path: string): string[] {
  const ours = namespace('self');
  const users = processIds().filter((entry) => {
    return read(`/proc/${entry}/maps`).includes(` ${path}\n`) && isOurs(entry, ours);
  });
  return users.map((entry) => `${comm(entry)}[${entry}]`);
}

function processIds(): string[] {
  return readdirSync('/proc').filter((entry) => /^[0-9]+$/.test(entry));
}

function isOurs(entry: string, ours: string | null): boolean {
  const theirs = namespace(entry);
  // Without root the process cannot be seen. Most hosts have no second one.
  return theirs === null || theirs === ours;
}

function comm(entry: string): string {
  return read(`/proc/${entry}/comm`).trimEnd();
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // The process ended in the meantime, or we may not see it.
  }
}

function namespace(entry: string): string | null {
  try {
    return readlinkSync(`/proc/${entry}/ns/pid`);
  } catch {
    return null;
  }
}
