/**
 * The only door to the operating system: files below a root folder, the running kernel's sysctls, its processes. Paths
 * are those that the host itself sees (`/etc/resolv.conf`); where they really are is known here alone, so that tests and
 * `--root` work on any folder.
 */
import {
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { errorCode, HostError, hostError } from './errors.ts';
import {
  type Replaced,
  type ReplaceOptions,
  removeFile,
  removeLeftover,
  replaceFile,
  replaceOwnFile,
  replaceWithLink,
} from './files/atomic.ts';
import { withLock } from './files/lock.ts';
import { makeFolders } from './files/make-folders.ts';
import { readRegularFile } from './files/read.ts';
import { resolveWithin } from './files/within-root.ts';
import { nullIfGone, startTicks } from './proc.ts';
import { usersOfFile } from './process/daemons.ts';
import { type ProcessOrigin, processOrigin } from './process/origin.ts';
import { type Neighbourhood, type Process, processesNamed, startOf } from './process/processes.ts';
import { type RunResult, run, runBeside } from './process/run.ts';

const PROC_SYS = '/proc/sys';

/** Why nothing of the running system is looked at or changed where the host is not `live`. `what`: the part of it. */
export function notOfTheseFiles(what = 'kernel'): string {
  return `the running ${what} is not that of these files`;
}

export class Host {
  readonly root: string;
  /** Whether the running kernel and its processes belong to these files. */
  readonly live: boolean;
  /** Told of a lock that another process of this host holds, and for how many seconds it is waited for. */
  whenWaiting: (path: string, seconds: number) => void = () => {};

  constructor({ root = '/', live }: { root?: string; live?: boolean } = {}) {
    this.root = resolve(root);
    this.live = live ?? this.root === '/';
  }

  /** Where a path of the host really is. A link in the last component is kept unless told to follow. */
  locate(path: string, last: 'follow' | 'keep' = 'keep'): string {
    if (this.root === '/' && last === 'keep') return path;
    return resolveWithin(this.root, path, last);
  }

  /** The path, as the host sees it, that a link leads to in the end; it need not exist. Of a link in a circle the link itself. */
  target(path: string): string {
    const located = unlessCircle(() => resolveWithin(this.root, path, 'follow'));
    if (located === null) this.lstat(path); // throws where a folder above is the circle
    if (located === null) return path;
    return this.root === '/' ? located : located.slice(join(this.root, '/').length - 1);
  }

  /** A regular file's bytes, links followed; null where there is none. Throws HostError for all else. */
  read(path: string): Buffer | null {
    try {
      return readRegularFile(this.locate(path, this.root === '/' ? 'keep' : 'follow'));
    } catch (error) {
      const code = errorCode(error);
      if (code === 'ENOENT' || code === 'ENOTDIR') return null;
      throw hostError('read', path, error);
    }
  }

  /** A file's text, byte for byte (latin1), so that what is not ours goes back as it was. */
  readText(path: string): string | null {
    return this.read(path)?.toString('latin1') ?? null;
  }

  /** A file's text; null also where it is a symbolic link to no file: in a circle, or to a folder, a device, a pipe. */
  readTextUnlessAstray(path: string): string | null {
    try {
      return unlessCircle(() => this.readText(path));
    } catch (error) {
      const code = errorCode(error);
      if ((code === 'EISDIR' || code === 'EFTYPE') && this.readLink(path) !== null) return null;
      throw error;
    }
  }

  /** Links not followed; null where there is nothing. Throws HostError. */
  lstat(path: string): Stats | null {
    try {
      return lstatSync(this.locate(path), { throwIfNoEntry: false }) ?? null;
    } catch (error) {
      throw error instanceof HostError ? error : hostError('look at', path, error);
    }
  }

  /** Links followed; null where there is nothing, or links go round in a circle. Throws HostError. */
  stat(path: string): Stats | null {
    try {
      return statSync(this.locate(path, this.root === '/' ? 'keep' : 'follow'), { throwIfNoEntry: false }) ?? null;
    } catch (error) {
      if (errorCode(error) === 'ELOOP') return null;
      throw hostError('look at', path, error);
    }
  }

  /** What a symbolic link says; null where the path is none. Throws HostError. */
  readLink(path: string): string | null {
    if (!this.lstat(path)?.isSymbolicLink()) return null;
    try {
      return readlinkSync(this.locate(path));
    } catch (error) {
      throw hostError('read the link', path, error);
    }
  }

  /** Names in a folder, sorted by byte; none where there is no such folder. */
  list(folder: string): string[] {
    try {
      return readdirSync(this.locate(folder, this.root === '/' ? 'keep' : 'follow')).sort();
    } catch (error) {
      const code = errorCode(error);
      if (code === 'ENOENT' || code === 'ENOTDIR') return [];
      throw hostError('list', folder, error);
    }
  }

  /** Replaces a file's content atomically (see atomic.ts); `text` is latin1 as from readText. */
  replace(path: string, text: string, mode?: number, options?: ReplaceOptions): Replaced {
    return replaceFile(this.locate(path), Buffer.from(text, 'latin1'), mode, options);
  }

  /** The same for a file of Holdfast's own: starts no process, and waits for the disk only where it must not be lost. */
  replaceOwn(path: string, text: string, mode: number, options?: { durable?: boolean }): void {
    replaceOwnFile(this.locate(path), Buffer.from(text, 'latin1'), mode, options);
  }

  /** Puts a symbolic link in the file's place, atomically. */
  replaceLink(path: string, target: string): void {
    replaceWithLink(this.locate(path), target);
  }

  remove(path: string): void {
    removeFile(this.locate(path));
  }

  /** What a process left beside this file that was killed while it replaced it. */
  removeLeftover(path: string): void {
    removeLeftover(this.locate(path));
  }

  /** Leaves one that holds anything. */
  removeEmptyFolder(path: string): void {
    try {
      rmdirSync(this.locate(path));
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(errorCode(error) ?? '')) throw hostError('remove', path, error);
    }
  }

  makeFolder(path: string, mode: number): void {
    try {
      makeFolders(this.locate(path, 'follow'), mode);
    } catch (error) {
      throw hostError('make the folder', path, error instanceof HostError ? error.cause : error);
    }
  }

  /** One apply at a time on this host (see lock.ts); `folder` is made where it is missing. */
  async exclusively<T>(folder: string, work: () => Promise<T>, patience?: number): Promise<T> {
    this.makeFolder(folder, 0o755);
    return withLock(join(this.locate(folder, 'follow'), 'lock'), work, patience, this.whenWaiting);
  }

  /**
   * The kernel's value of a sysctl (`net/ipv4/ip_forward`), without its final newline; null where this kernel, or this
   * network namespace, has none. Throws HostError where it cannot be read.
   */
  sysctl(path: string): string | null {
    try {
      return readFileSync(join(PROC_SYS, path), 'utf8').replace(/\n$/, '');
    } catch (error) {
      const code = errorCode(error);
      if (code === 'ENOENT' || code === 'ENOTDIR') return null;
      throw hostError('read', join(PROC_SYS, path), error);
    }
  }

  /** What lies in a folder of /proc/sys (`net/ipv4/conf/`), sorted by byte; null where this kernel has none. Throws HostError. */
  sysctlNames(folder: string): string[] | null {
    try {
      return readdirSync(join(PROC_SYS, folder)).sort();
    } catch (error) {
      const code = errorCode(error);
      if (code === 'ENOENT' || code === 'ENOTDIR') return null;
      throw hostError('list', join(PROC_SYS, folder), error);
    }
  }

  /** Permission bits of a sysctl; null where this kernel has none. A command lacks those to read, a fact those to write. */
  sysctlMode(path: string): number | null {
    try {
      return statSync(join(PROC_SYS, path)).mode & 0o777;
    } catch (error) {
      const code = errorCode(error);
      if (code === 'ENOENT' || code === 'ENOTDIR') return null;
      throw hostError('look at', join(PROC_SYS, path), error);
    }
  }

  /** Throws HostError; what the kernel made of the value must be read back. */
  writeSysctl(path: string, value: string): void {
    try {
      // Of nothing the kernel would hear nothing: an empty value is an empty line.
      writeFileSync(join(PROC_SYS, path), value === '' ? '\n' : value, { flag: 'r+' });
    } catch (error) {
      throw hostError('write', join(PROC_SYS, path), error);
    }
  }

  /** The running processes of that name that belong to this host; none where the kernel is not ours to look at. */
  processes(name: string, neighbourhood: Neighbourhood = 'files'): Process[] {
    return this.live ? processesNamed(name, neighbourhood) : [];
  }

  /** What tells this boot from every other; empty where the kernel is not ours to look at. */
  bootId(): string {
    return this.live ? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() : '';
  }

  /** What tells this process from every other that had or will have its number, until the next boot; null: it has ended. */
  birthOf(pid: number): string | null {
    return this.live ? nullIfGone(() => startTicks(pid)) : null;
  }

  /** null: it has ended, or is not ours to see. `self`: the agent. */
  originOf(pid: number | 'self'): ProcessOrigin | null {
    return this.live ? processOrigin(pid) : null;
  }

  /** The running programs that have a file mapped, links followed (`curl[12]`); none where the kernel is not ours to look at. */
  usersOf(path: string): string[] {
    return this.live ? usersOfFile(this.target(path)) : [];
  }

  /** Whether that very process still runs: its id may be another's by now. */
  isRunning({ pid, sinceBoot }: Process): boolean {
    return this.live && startOf(pid) === sinceBoot;
  }

  /** Sends it only to the process that was seen. false: it is gone. Throws HostError. */
  signal(seen: Process, signal: NodeJS.Signals): boolean {
    if (!this.isRunning(seen)) return false;
    try {
      return process.kill(seen.pid, signal);
    } catch (error) {
      throw hostError('signal', `process ${seen.pid}`, error);
    }
  }

  run(program: string, args: readonly string[], options?: Parameters<typeof run>[2]): RunResult {
    return run(program, args, options);
  }

  runBeside(program: string, args: readonly string[], options?: Parameters<typeof runBeside>[2]): Promise<RunResult> {
    return runBeside(program, args, options);
  }
}

function unlessCircle<T>(look: () => T): T | null {
  try {
    return look();
  } catch (error) {
    if (errorCode(error) === 'ELOOP') return null;
    throw error;
  }
}
