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
import { errorCode, HostError, hostError } from '../errors.ts';
import { runProgram } from '../process/run-program.ts';
import { notRegular } from './read.ts';
import { inPlace, O_PATH, openFile, type TrustedPlace } from './trusted-path.ts';

export interface ReplaceOptions {
  readonly keepTime?: boolean;
}

export interface Replaced {
  /**
   * False if the file is a mount point (a container's resolv.conf). Such a file is written in place, and a reader may
   * have seen a mixture.
   */
  readonly atomic: boolean;
}

/**
 * Replaces a file's content. Every reader, and the disk after a power cut, has either the whole old text or the whole
 * new text. A temporary file is written beside the old file, synced, and renamed over it; the folder is synced last. An
 * existing file keeps its mode, owner, ACL and extended attributes (SELinux label); a new file gets `mode`. The
 * temporary's name is fixed, so the next process removes the leftover of a killed process. The name starts with a dot,
 * so run-parts(8) and systemd-sysctl skip it. `keepTime` keeps the old modification time, in whole seconds, for a
 * program that acts when the time changes. `path` is on the real file system. A symbolic link at `path` is replaced,
 * not followed; trusted-path.ts says how links above it are followed. Throws HostError; in that case the old file is
 * whole and no temporary is left.
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
 * Replaces a file that only Holdfast uses, mostly in /run. It keeps no attributes of the old file, so it starts no
 * cp(1). It does not wait for the disk unless `durable` is set: after a power cut the file may be the old one, or
 * empty.
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

/**
 * Puts a symbolic link to `target` in the place of `path`, atomically. Throws HostError; in that case the old file
 * still exists.
 */
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

/** Removes the temporary that a process left beside this file when it was killed. */
export function removeLeftover(path: string): void {
  try {
    inPlace('remove', path, (place) => removeIfThere(temporaryIn(place, path)));
  } catch {
    // The folder is missing or read-only: the write that follows reports it.
  }
}

function temporaryIn({ beside }: TrustedPlace, path: string): string {
  return beside(`.${basename(path)}.holdfast`);
}

/**
 * Throws HostError for a device, socket or pipe; otherwise returns the stat of `path`, null if nothing exists there.
 * Renaming over /dev/null would remove it for the whole host.
 */
function replaceable(path: string): Stats | null {
  const old = lstatSync(path, { throwIfNoEntry: false }) ?? null;
  if (old !== null && !old.isFile() && !old.isSymbolicLink() && !old.isDirectory()) {
    throw notRegular(old);
  }
  return old;
}

/**
 * Copies owner, mode, ACL and extended attributes of `file` to the open `fd`. node:fs cannot read extended attributes,
 * so cp(1) of coreutils (essential on Debian) copies ACLs and SELinux labels. A file system without attributes is no
 * error, and neither is a host without GNU cp.
 */
function copyAttributes({ file, shared }: TrustedPlace, fd: number, temporary: string): void {
  const old = openSync(file, O_PATH | constants.O_NOFOLLOW);
  try {
    const stats = fstatSync(old);
    if (!stats.isFile()) throw notRegular(stats);
    const { uid, gid } = fstatSync(fd);
    // Only if the owner differs: the service's sandbox may not change owners.
    if (uid !== stats.uid || gid !== stats.gid) fchownSync(fd, stats.uid, stats.gid);
    fchmodSync(fd, stats.mode & 0o7777);
    const files = shared ? [openFile(3), openFile(4)] : [file, temporary];
    runProgram('cp', ['--attributes-only', '--preserve=all', '--', ...files], { fds: [old, fd] });
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
 * Writes in place, for a file that cannot be renamed over, if it is still the file that was looked at. The new bytes
 * are written before the length is cut, so the file is never empty. If a write fails midway, the old bytes are written
 * back, which needs no new blocks.
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
    // Missing, or it cannot be removed: the write that follows reports it.
  }
}
