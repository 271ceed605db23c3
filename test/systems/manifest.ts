/** Everything on a booted system, so that two moments can be compared: what did a program leave behind? */
import type { Machine } from './machine.ts';

/** Paths that are not compared, and why: other programs write them all the time, with or without Holdfast. */
export const OTHERS: Readonly<Record<string, string>> = {
  '/var/lib/dpkg': "dpkg's own records; a check of its own shows that none of them names Holdfast",
  '/root/.rpmdb': "rpm's own records in the place of Debian's rpm",
  '/var/log': 'logs, and the journal if it is on disk',
  '/var/lib/dhcp': "dhclient's leases; each renewal adds one",
  '/etc/resolv.conf.dhclient-new.*': "dhclient-script's temporary file at each renewal",
  '/var/lib/systemd/random-seed': 'systemd writes a new seed at each shutdown',
  '/var/tmp/systemd-private-*-systemd-*': "PrivateTmp of systemd's own services, with new names at each boot",
  '/var/backups': "dpkg's daily copies of its records",
};

/**
 * One line for each file, folder and link of the system's own file system: kind, mode, owner, path, target; and one with
 * the SHA-256 of each file's content. Sorted.
 */
export async function manifest(machine: Machine): Promise<string[]> {
  const pruned = Object.keys(OTHERS).map((path) => `-path '${path}' -prune -o`);
  const listed = await machine.sh(`find / -xdev ${pruned.join(' ')} \\
    -printf '%y %m %U:%G %p %l\\n' -type f -exec sha256sum {} +`);
  return listed.split('\n').sort();
}

/** The lines that only one side has: `-` before, `+` after. */
export function difference(before: readonly string[], after: readonly string[]): string[] {
  const [then, now] = [new Set(before), new Set(after)];
  return [
    ...before.filter((line) => !now.has(line)).map((line) => `-${line}`),
    ...after.filter((line) => !then.has(line)).map((line) => `+${line}`),
  ];
}
