import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  type Stats,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errorCode, hostError } from './errors.ts';
import { notRegular } from './read.ts';
import { run } from './run.ts';

export interface ReplaceOptions {
  readonly keepTime?: boolean;
}

export interface Replaced {
  /** false: the file is a mount point (a container's resolv.conf), was written in place, and a reader may have seen a mixture. */
  readonly atomic: boolean;
}

/**
 * Replaces a file's content so that every reader, and the disk after a power cut, has either the old text or the new
 * one, whole: written beside it, synced, renamed over it, the folder synced. Mode, owner, ACL and extended attributes
 * (SELinux label) of an existing file are kept; a new one gets `mode`. The temporary has a fixed name, starting with a
 * dot so that run-parts(8) and systemd-sysctl pass it over: one left by a killed process is taken away by the next.
 * `keepTime`: with the old one's modification time, in whole seconds, for a reader to whom a new time is an order.
 * `path` is on the real file system; a symbolic link there is replaced, not followed.
 * Throws HostError; then the old file is whole and no temporary is left.
 */
export function replaceFile(
  path: string,
  content: Uint8Array,
  mode = 0o644,
  { keepTime = false }: ReplaceOptions = {},
): Replaced {
  const old = replaceable(path);
  const temporary = temporaryOf(path);
  try {
    writeTemporary(temporary, content, old?.isFile() ? { path, stats: old } : null, mode);
    if (keepTime && old?.isFile()) keepSecond(temporary, old);
    renameSync(temporary, path);
  } catch (error) {
    removeIfThere(temporary);
    if (errorCode(error) === 'EBUSY' && old?.isFile()) {
      writeInPlace(path, content);
      return { atomic: false };
    }
    throw hostError('write', path, error);
  }
  syncFolder(dirname(path));
  return { atomic: true };
}

/**
 * The same for a file that only Holdfast has, mostly in /run: nothing of the old one is kept, so no process is started for
 * what node:fs cannot copy, and the disk is not waited for: after a power cut it may be the old one, or empty.
 * `durable`: the disk is waited for all the same.
 */
export function replaceOwnFile(
  path: string,
  content: Uint8Array,
  mode: number,
  { durable = false }: { durable?: boolean } = {},
): void {
  replaceable(path);
  const temporary = temporaryOf(path);
  try {
    const fd = createTemporary(temporary);
    try {
      fchmodSync(fd, mode);
      writeAll(fd, content);
      if (durable) fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    removeIfThere(temporary);
    throw hostError('write', path, error);
  }
  if (durable) syncFolder(dirname(path));
}

/** Puts a symbolic link to `target` where `path` is, atomically. Throws HostError; then the old file is there still. */
export function replaceWithLink(path: string, target: string): void {
  const temporary = temporaryOf(path);
  try {
    removeIfThere(temporary);
    symlinkSync(target, temporary);
    renameSync(temporary, path);
  } catch (error) {
    removeIfThere(temporary);
    throw hostError('write', path, error);
  }
  syncFolder(dirname(path));
}

/** Removes a file for good, also across a power cut. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw hostError('remove', path, error);
  }
  syncFolder(dirname(path));
}

/** Takes away what a process left beside this file that was killed while it replaced it. */
export function removeLeftover(path: string): void {
  removeIfThere(temporaryOf(path));
}

function temporaryOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.holdfast`);
}

/** What a file may be renamed over. A path may be, or lead to, /dev/null: renamed over, it is lost to the whole host. */
function replaceable(path: string): Stats | null {
  const old = lstatSync(path, { throwIfNoEntry: false }) ?? null;
  if (old !== null && !old.isFile() && !old.isSymbolicLink() && !old.isDirectory()) {
    throw hostError('write', path, notRegular(old));
  }
  return old;
}

function writeTemporary(
  temporary: string,
  content: Uint8Array,
  like: { path: string; stats: Stats } | null,
  mode: number,
): void {
  const fd = createTemporary(temporary);
  try {
    if (like === null) {
      fchmodSync(fd, mode);
    } else {
      const { uid, gid } = fstatSync(fd);
      // Only where it must be: the sandbox of the service has no right to it.
      if (uid !== like.stats.uid || gid !== like.stats.gid) fchownSync(fd, like.stats.uid, like.stats.gid);
      fchmodSync(fd, like.stats.mode & 0o7777);
      // node:fs has no extended attributes; cp(1) of coreutils (essential on Debian) copies ACLs and SELinux labels. That a
      // file system has none is no error, and neither is a host without GNU's cp.
      run('cp', ['--attributes-only', '--no-dereference', '--preserve=all', '--', like.path, temporary]);
    }
    writeAll(fd, content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function keepSecond(temporary: string, { mtimeMs }: Stats): void {
  const second = Math.floor(mtimeMs / 1000);
  utimesSync(temporary, second, second);
}

function createTemporary(temporary: string): number {
  removeIfThere(temporary);
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  return openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
}

/**
 * For a file that cannot be renamed over. The new bytes go over the old before the length is cut, so that it is never
 * empty; what fails midway puts the old bytes back, which need no new blocks.
 */
function writeInPlace(path: string, content: Uint8Array): void {
  try {
    const old = readFileSync(path);
    const fd = openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW);
    try {
      overwrite(fd, content);
    } catch (error) {
      overwrite(fd, old);
      throw error;
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw hostError('write', path, error);
  }
}

function overwrite(fd: number, content: Uint8Array): void {
  writeAll(fd, content, 0);
  if (fstatSync(fd).size !== content.length) ftruncateSync(fd, content.length);
  fsyncSync(fd);
}

function writeAll(fd: number, content: Uint8Array, position: number | null = null): void {
  let done = 0;
  while (done < content.length) {
    done += writeSync(fd, content, done, content.length - done, position === null ? null : position + done);
  }
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } catch (error) {
    if (errorCode(error) !== 'EINVAL') throw hostError('sync', folder, error); // some file systems cannot sync a folder
  } finally {
    closeSync(fd);
  }
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // not there, or not to be removed: what comes next says so
  }
}
