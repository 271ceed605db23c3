/** Whether programs are being installed, removed or upgraded now: a program that is missing may be on its way. */
import type { Host } from '../host/host.ts';

/** They run only while they work. By comm, which is cut at 15 characters. */
const PACKAGE_MANAGERS = [
  'dpkg',
  'apt',
  'apt-get',
  'aptitude',
  'apt.systemd.dai',
  'do-release-upgr',
  'packagekitd',
  'rpm',
  'rpm-ostree',
  'dnf',
  'dnf5',
  'dnf5daemon-serv',
  'dnf-automatic',
  'microdnf',
  'yum',
  'zypper',
  'pacman',
  'apk',
];

/**
 * Locks of dpkg, apt and unattended-upgrades. unattended-upgrades also has a process that waits for the machine's
 * shutdown and does nothing else, so its name says nothing.
 */
const LOCKS = [
  '/var/lib/dpkg/lock-frontend',
  '/var/lib/dpkg/lock',
  '/var/cache/apt/archives/lock',
  '/var/lib/apt/lists/lock',
  '/run/unattended-upgrades.lock',
];

/** Ask this last: a reader of /proc/locks waits some milliseconds for all processors (percpu_down_write() in fs/locks.c). */
export function installsNow(host: Host): boolean {
  return PACKAGE_MANAGERS.some((name) => host.processes(name).length > 0) || isLocked(host);
}

/** Only the inode counts: some file systems give stat(2) a device that differs from the kernel's. */
function isLocked(host: Host): boolean {
  const inodes = LOCKS.flatMap((path) => host.stat(path)?.ino ?? []);
  if (inodes.length === 0) return false;
  const locked = host.lockedOf(inodes);
  // If no lock can be seen, no answer is a doubt.
  return locked === null || locked.length > 0;
}
