/** The running kernel's values in /proc/sys. Paths are relative to it: `net/ipv4/ip_forward`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostError, nullIfMissing } from '../errors.ts';
import { readdirSync, readTextSync, statSync } from '../looks.ts';

const PROC_SYS = '/proc/sys';

/**
 * The kernel's value, without its final newline. null if this kernel, or this network namespace, has no such key.
 * Throws HostError if the value cannot be read.
 */
export function readSysctl(path: string): string | null {
  return nullIfMissing('read', join(PROC_SYS, path), (file) => readTextSync(file).replace(/\n$/, ''));
}

/**
 * The names in a folder (`net/ipv4/conf/`), sorted by byte; null if this kernel has no such folder. Throws HostError.
 */
export function sysctlNames(folder: string): string[] | null {
  return nullIfMissing('list', join(PROC_SYS, folder), (file) => readdirSync(file).sort());
}

/**
 * Permission bits of a sysctl; null if this kernel has no such key. A command cannot be read, and a fact cannot be
 * written.
 */
export function sysctlMode(path: string): number | null {
  return nullIfMissing('look at', join(PROC_SYS, path), (file) => {
    const stats = statSync(file);
    return stats === undefined ? null : stats.mode & 0o777;
  });
}

/** Throws HostError. Read the value back, because the kernel may have changed it. */
export function writeSysctl(path: string, value: string): void {
  try {
    // The kernel ignores an empty write, so an empty value is written as an empty line.
    writeFileSync(join(PROC_SYS, path), value === '' ? '\n' : value, { flag: 'r+' });
  } catch (error) {
    throw hostError('write', join(PROC_SYS, path), error);
  }
}
