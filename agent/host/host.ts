/**
 * The only door to the operating system: files below a root folder, the running kernel's sysctls, its processes. Paths
 * are those that the host itself sees (`/etc/resolv.conf`). Only this class knows their real place, so that tests and
 * `--root` work on any folder.
 */
import { rmdirSync, type Stats } from 'node:fs';
import { join, resolve } from 'node:path';
import { errorCode, HostError, hostError, nullIfMissing } from './errors.ts';
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
import { lockedInodes } from './files/locked-inodes.ts';
import { makeFolders } from './files/make-folders.ts';
import { readRegularFile } from './files/read.ts';
import { resolveWithin } from './files/within-root.ts';
import { readSysctl, sysctlMode, sysctlNames, writeSysctl } from './kernel/sysctl-values.ts';
import { lstatSync, readdirSync, readlinkSync, statSync } from './looks.ts';
import { usersOfFile } from './process/daemons.ts';
import { type ProcessOrigin, processOrigin } from './process/origin.ts';
import { nullIfGone, startTicks } from './process/proc.ts';
import { type Neighbourhood, type Process, processesNamed, startOf } from './process/processes.ts';
import { allPrograms, type Program } from './process/programs.ts';
import { type RunResult, runBeside, runProgram } from './process/run-program.ts';
import { notByLooks } from './recorded-looks.ts';

/** Why the running system is neither read nor changed if the host is not `live`. `what`: the part of the system. */
export function notOfTheseFiles(what = 'kernel'): string {
  return `the running ${what} is not that of these files`;
}

export class Host {
  readonly root: string;
  /** Whether the running kernel and its processes belong to these files. */
  readonly live: boolean;
  /** Called for a lock that another process of this host holds, with the seconds of the wait. */
  whenWaiting: (path: string, seconds: number) => void = () => {};

  constructor({ root = '/', live }: { root?: string; live?: boolean } = {}) {
    this.root = resolve(root);
    this.live = live ?? this.root === '/';
  }

  /** The real place of a path of the host. A link in the last component is kept unless `last` says `follow`. */
  locate(path: string, last: 'follow' | 'keep' = 'keep'): string {
    if (this.root === '/' && last === 'keep') return path;
    return resolveWithin(this.root, path, last);
  }

  /** The same, but a link in the last component counts as its target. Without a root, the kernel itself follows it. */
  #followed(path: string): string {
    return this.locate(path, this.root === '/' ? 'keep' : 'follow');
  }

  /**
   * The final target of a link, as a path that the host sees; the target need not exist. For a link in a circle: the
   * link itself.
   */
  target(path: string): string {
    const located = unlessCircle(() => resolveWithin(this.root, path, 'follow'));
    if (located === null) this.lstat(path); // throws if a folder above is the circle
    if (located === null) return path;
    return this.root === '/' ? located : located.slice(join(this.root, '/').length - 1);
  }

  /** A regular file's bytes, links followed; null if the file does not exist. Throws HostError for everything else. */
  read(path: string): Buffer | null {
    return nullIfMissing('read', path, () => readRegularFile(this.#followed(path)));
  }

  /** A file's text, byte for byte (latin1), so that the parts of other authors go back unchanged. */
  readText(path: string): string | null {
    return this.read(path)?.toString('latin1') ?? null;
  }

  /** A file's text; null also for a symbolic link to no file: in a circle, or to a folder, a device, a pipe. */
  readTextUnlessAstray(path: string): string | null {
    try {
      return unlessCircle(() => this.readText(path));
    } catch (error) {
      const code = errorCode(error);
      if ((code === 'EISDIR' || code === 'EFTYPE') && this.readLink(path) !== null) return null;
      throw error;
    }
  }

  /** Returns those of the inodes that are locked; null if this host shows no locks. Throws HostError. */
  lockedOf(inodes: readonly number[]): number[] | null {
    const path = '/proc/locks';
    return nullIfMissing('read', path, () => lockedInodes(this.#followed(path), inodes));
  }

  /** Links are not followed; null if the path does not exist. Throws HostError. */
  lstat(path: string): Stats | null {
    try {
      return lstatSync(this.locate(path)) ?? null;
    } catch (error) {
      throw error instanceof HostError ? error : hostError('look at', path, error);
    }
  }

  /** Links are followed; null if the path does not exist, or links form a circle. Throws HostError. */
  stat(path: string): Stats | null {
    try {
      return statSync(this.#followed(path)) ?? null;
    } catch (error) {
      if (errorCode(error) === 'ELOOP') return null;
      throw hostError('look at', path, error);
    }
  }

  /** The text of a symbolic link; null if the path is no link. Throws HostError. */
  readLink(path: string): string | null {
    if (!this.lstat(path)?.isSymbolicLink()) return null;
    try {
      return readlinkSync(this.locate(path));
    } catch (error) {
      throw hostError('read the link', path, error);
    }
  }

  /** Names in a folder, sorted by byte; empty if there is no such folder. */
  list(folder: string): string[] {
    return nullIfMissing('list', folder, () => readdirSync(this.#followed(folder)))?.sort() ?? [];
  }

  /** Replaces a file's content atomically (see atomic.ts); `text` is latin1 as from readText. */
  replace(path: string, text: string, mode?: number, options?: ReplaceOptions): Replaced {
    notByLooks();
    return replaceFile(this.locate(path), Buffer.from(text, 'latin1'), mode, options);
  }

  /**
   * The same for a file of Holdfast's own. It starts no process, and waits for the disk only if the file must not be
   * lost.
   */
  replaceOwn(path: string, text: string, mode: number, options?: { durable?: boolean }): void {
    notByLooks();
    replaceOwnFile(this.locate(path), Buffer.from(text, 'latin1'), mode, options);
  }

  /** Puts a symbolic link in the file's place, atomically. */
  replaceLink(path: string, target: string): void {
    notByLooks();
    replaceWithLink(this.locate(path), target);
  }

  remove(path: string): void {
    notByLooks();
    removeFile(this.locate(path));
  }

  /** Removes the temporary of a process that was killed while it replaced this file. */
  removeLeftover(path: string): void {
    notByLooks();
    removeLeftover(this.locate(path));
  }

  /** Keeps a folder that is not empty. */
  removeEmptyFolder(path: string): void {
    notByLooks();
    try {
      rmdirSync(this.locate(path));
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(errorCode(error) ?? '')) throw hostError('remove', path, error);
    }
  }

  makeFolder(path: string, mode: number): void {
    notByLooks();
    try {
      makeFolders(this.locate(path, 'follow'), mode);
    } catch (error) {
      throw hostError('make the folder', path, error instanceof HostError ? error.cause : error);
    }
  }

  /** Allows one apply at a time on this host (see lock.ts); `folder` is made if missing. */
  async exclusively<T>(folder: string, work: () => Promise<T>, patience?: number): Promise<T> {
    this.makeFolder(folder, 0o755);
    return withLock(join(this.locate(folder, 'follow'), 'lock'), work, patience, this.whenWaiting);
  }

  /** The kernel's value of a sysctl; null if this kernel or network namespace has no such key. Throws HostError. */
  sysctl(path: string): string | null {
    return readSysctl(path);
  }

  /** The names in a folder of /proc/sys; null if this kernel has no such folder. Throws HostError. */
  sysctlNames(folder: string): string[] | null {
    return sysctlNames(folder);
  }

  /** Permission bits of a sysctl; null if this kernel has no such key. Throws HostError. */
  sysctlMode(path: string): number | null {
    return sysctlMode(path);
  }

  /** Throws HostError. Read the value back, because the kernel may have changed it. */
  writeSysctl(path: string, value: string): void {
    notByLooks();
    writeSysctl(path, value);
  }

  /**
   * The running processes with that name that belong to this host; empty if the kernel does not belong to these files.
   */
  processes(name: string, neighbourhood: Neighbourhood = 'files'): Process[] {
    return this.live ? processesNamed(name, neighbourhood) : [];
  }

  /** All running programs; empty if the kernel does not belong to these files. */
  programs(): Program[] {
    return this.live ? allPrograms() : [];
  }

  /**
   * Distinguishes this process, until the next boot, from every other process with its number; null if it has ended.
   */
  birthOf(pid: number): string | null {
    return this.live ? nullIfGone(() => startTicks(pid)) : null;
  }

  /** null if the process has ended, or is not visible to us. `self`: the agent. */
  originOf(pid: number | 'self'): ProcessOrigin | null {
    return this.live ? processOrigin(pid) : null;
  }

  /**
   * The running programs that have a file mapped, links followed (`curl[12]`); empty if the kernel does not belong to
   * these files.
   */
  usersOf(path: string): string[] {
    return this.live ? usersOfFile(this.target(path)) : [];
  }

  /** Whether that exact process still runs: its id may belong to another process by now. */
  isRunning({ pid, sinceBoot }: Process): boolean {
    return this.live && startOf(pid) === sinceBoot;
  }

  /** Sends the signal only to the process that was seen. Returns false if the process is gone. Throws HostError. */
  signal(seen: Process, signal: NodeJS.Signals): boolean {
    notByLooks();
    if (!this.isRunning(seen)) return false;
    try {
      return process.kill(seen.pid, signal);
    } catch (error) {
      throw hostError('signal', `process ${seen.pid}`, error);
    }
  }

  run(program: string, args: readonly string[], options?: Parameters<typeof runProgram>[2]): RunResult {
    return runProgram(program, args, options);
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
