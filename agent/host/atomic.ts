import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  futimesSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  type Stats,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import { errorCode, HostError, hostError } from './errors.ts';
import { inPlace, O_PATH, openFile, type Place } from './place.ts';
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
 * `path` is on the real file system; a symbolic link there is replaced, not followed; for those above it see place.ts.
 * Throws HostError; then the old file is whole and no temporary is left.
 */
export function replaceFile(
  path: string,
  content: Uint8Array,
  mode = 0o644,
  { keepTime = false }: ReplaceOptions = {},
): Replaced {
  return inPlace('write', path, (place) => {
    const { file } = place;
    const temporary = temporaryIn(place, path);
    const old = replaceable(file);
    try {
      const fd = createTemporary(temporary);
      try {
        if (old?.isFile()) copyAttributes(place, fd, temporary);
        else fchmodSync(fd, mode);
        writeAll(fd, content);
        if (keepTime && old?.isFile()) keepSecond(fd, old);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      renameSync(temporary, file);
    } catch (error) {
      removeIfThere(temporary);
      if (errorCode(error) !== 'EBUSY' || !old?.isFile()) throw error;
      writeInPlace(file, old, content);
      return { atomic: false };
    }
    syncFolder(place.folder, path);
    return { atomic: true };
  });
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
  inPlace('write', path, (place) => {
    const { file } = place;
    const temporary = temporaryIn(place, path);
    replaceable(file);
    try {
      const fd = createTemporary(temporary);
      try {
        fchmodSync(fd, mode);
        writeAll(fd, content);
        if (durable) fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      renameSync(temporary, file);
    } catch (error) {
      removeIfThere(temporary);
      throw error;
    }
    if (durable) syncFolder(place.folder, path);
  });
}

/** Puts a symbolic link to `target` where `path` is, atomically. Throws HostError; then the old file is there still. */
export function replaceWithLink(path: string, target: string): void {
  inPlace('write', path, (place) => {
    const { file } = place;
    const temporary = temporaryIn(place, path);
    try {
      removeIfThere(temporary);
      symlinkSync(target, temporary);
      renameSync(temporary, file);
    } catch (error) {
      removeIfThere(temporary);
      throw error;
    }
    syncFolder(place.folder, path);
  });
}

/** Removes a file for good, also across a power cut. */
export function removeFile(path: string): void {
  try {
    inPlace('remove', path, ({ file, folder }) => {
      unlinkSync(file);
      syncFolder(folder, path);
    });
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

/** Takes away what a process left beside this file that was killed while it replaced it. */
export function removeLeftover(path: string): void {
  try {
    inPlace('remove', path, (place) => removeIfThere(temporaryIn(place, path)));
  } catch {
    // no such folder, or none to be written in: what comes next says so
  }
}

function temporaryIn({ beside }: Place, path: string): string {
  return beside(`.${basename(path)}.holdfast`);
}

/** What a file may be renamed over. A path may be, or lead to, /dev/null: renamed over, it is lost to the whole host. */
function replaceable(path: string): Stats | null {
  const old = lstatSync(path, { throwIfNoEntry: false }) ?? null;
  if (old !== null && !old.isFile() && !old.isSymbolicLink() && !old.isDirectory()) {
    throw notRegular(old);
  }
  return old;
}

/**
 * Owner, mode, ACL and extended attributes of `file` for the open `fd`. node:fs has no extended attributes; cp(1) of
 * coreutils (essential on Debian) copies ACLs and SELinux labels. That a file system has none is no error, and neither
 * is a host without GNU's cp.
 */
function copyAttributes({ file, shared }: Place, fd: number, temporary: string): void {
  const old = openSync(file, O_PATH | constants.O_NOFOLLOW);
  try {
    const stats = fstatSync(old);
    if (!stats.isFile()) throw notRegular(stats);
    const { uid, gid } = fstatSync(fd);
    // Only where it must be: the sandbox of the service has no right to it.
    if (uid !== stats.uid || gid !== stats.gid) fchownSync(fd, stats.uid, stats.gid);
    fchmodSync(fd, stats.mode & 0o7777);
    const files = shared ? [openFile(3), openFile(4)] : [file, temporary];
    run('cp', ['--attributes-only', '--preserve=all', '--', ...files], { fds: [old, fd] });
  } finally {
    closeSync(old);
  }
}

function keepSecond(fd: number, { mtimeMs }: Stats): void {
  const second = Math.floor(mtimeMs / 1000);
  futimesSync(fd, second, second);
}

function createTemporary(temporary: string): number {
  removeIfThere(temporary);
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  return openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
}

/**
 * For a file that cannot be renamed over, if it is still the one that was looked at. The new bytes go over the old before
 * the length is cut, so that it is never empty; what fails midway puts the old bytes back, which need no new blocks.
 */
function writeInPlace(file: string, { dev, ino }: Stats, content: Uint8Array): void {
  const fd = openSync(file, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const now = fstatSync(fd);
    if (now.dev !== dev || now.ino !== ino)
      throw new HostError('ESTALE', 'another file was put in its place meanwhile');
    const old = readFileSync(fd);
    try {
      overwrite(fd, content);
    } catch (error) {
      overwrite(fd, old);
      throw error;
    }
  } finally {
    closeSync(fd);
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

function syncFolder(fd: number, path: string): void {
  try {
    fsyncSync(fd);
  } catch (error) {
    if (errorCode(error) !== 'EINVAL') throw hostError('sync', dirname(path), error); // some file systems cannot sync a folder
  }
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // not there, or not to be removed: what comes next says so
  }
}
