/**
 * Locks between processes of this host. They are kernel locks (flock(2)) on a descriptor that the holder keeps open, so
 * a killed process leaves none. Node has no flock: util-linux's flock(1) locks the shared open file and ends.
 */
import { closeSync, constants, fstatSync, ftruncateSync, lstatSync, openSync, readSync, writeSync } from 'node:fs';
import type { ErrorCode } from '../error-codes.ts';
import { HostError, hostError } from '../errors.ts';
import { runProgram } from '../process/run-program.ts';
import { inPlace } from './trusted-path.ts';

/** Seconds to wait for another apply: an apply that takes longer hangs. The thread waits with it. */
const PATIENCE = 60;
/** Seconds of a wait that need not be reported. */
const SHORT = 1;

/**
 * Runs `work` while no other process of this host does. Throws HostError EAGAIN if another process keeps the lock for
 * all of `patience` seconds. `whenWaiting` is called once for a longer wait, because this process does nothing else
 * meanwhile.
 */
export async function withLock<T>(
  path: string,
  work: () => Promise<T>,
  patience: number = PATIENCE,
  whenWaiting: (path: string, seconds: number) => void = () => {},
): Promise<T> {
  const fd = open(path);
  try {
    const soon = take(fd, path, Math.min(patience, SHORT));
    if (!soon && patience > SHORT) whenWaiting(path, patience);
    if (!soon && !(patience > SHORT && take(fd, path, patience - SHORT))) {
      const since = patience > 0 ? `has held ${path} for ${patience} s` : `is at work (it holds ${path})`;
      throw new HostError('EAGAIN', `another apply ${since}`);
    }
    return await work();
  } finally {
    closeSync(fd);
  }
}

/**
 * Takes the lock for the life of this process, without waiting. Returns null if we have the lock; otherwise the number
 * of the process that has it, or '' if the number cannot be read. Throws HostError if no lock is possible.
 */
export function lockForLife(path: string): string | null {
  const fd = open(path);
  let ours = false;
  try {
    ours = take(fd, path, 0);
    if (!ours) return processIn(fd);
    ftruncateSync(fd);
    writeSync(fd, `${process.pid}\n`, 0);
    return null;
  } catch (error) {
    throw error instanceof HostError ? error : hostError('write', path, error);
  } finally {
    if (!ours) closeSync(fd);
  }
}

/**
 * The number of the process that holds the lock for its life, as `lockForLife` returns it; null if no process holds it.
 */
export function lifeHolder(path: string): string | null {
  const fd = open(path);
  try {
    return take(fd, path, 0) ? null : processIn(fd);
  } finally {
    closeSync(fd);
  }
}

function take(fd: number, path: string, patience: number): boolean {
  const { status, error, stderr } = runProgram('flock', ['--exclusive', '--timeout', String(patience), '3'], {
    fds: [fd],
    timeLimit: (patience + 5) * 1000,
  });
  if (status === 0 || status === 1) return status === 0;
  throw new HostError('ENOLCK', `cannot lock ${path}: ${error ?? stderr.trim()} (flock of util-linux)`);
}

function processIn(fd: number): string {
  const text = Buffer.alloc(16);
  return /^(\d+)\n/.exec(text.toString('latin1', 0, readSync(fd, text, 0, text.length, 0)))?.[1] ?? '';
}

function open(path: string): number {
  const fd = inPlace('open', path, ({ file }) => {
    if (lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink()) throw notOurs(path, 'ELOOP', 'a symbolic link');
    return openSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o600);
  });
  const stats = fstatSync(fd);
  // If the file has another name too, our number would overwrite what that name holds.
  if (stats.isFile() && stats.nlink <= 1) return fd;
  closeSync(fd);
  throw notOurs(path, 'EFTYPE', stats.isFile() ? 'another name of a file' : 'not a regular file');
}

function notOurs(path: string, code: ErrorCode, what: string): HostError {
  return new HostError(code, `cannot lock ${path}: it is ${what}; remove it`);
}
