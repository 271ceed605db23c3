import { closeSync, constants, openSync } from 'node:fs';
import { errorCode, HostError, hostError } from './errors.ts';
import { run } from './run.ts';

/** Seconds to wait for another apply: one that takes longer hangs. The thread waits with it. */
const PATIENCE = 60;

/**
 * Runs `work` while no other process of this host does. The lock is the kernel's (flock(2)), on a descriptor that this
 * process keeps open: whoever is killed leaves none. node has no flock, so util-linux's flock(1) takes it on the shared
 * open file, once, and ends. Throws HostError EAGAIN where another has it for all of `patience` seconds.
 */
export async function withLock<T>(path: string, work: () => Promise<T>, patience: number = PATIENCE): Promise<T> {
  const fd = open(path);
  try {
    const taken = run('flock', ['--exclusive', '--timeout', String(patience), '3'], {
      fds: [fd],
      timeLimit: (patience + 5) * 1000,
    });
    if (taken.status === 1) throw new HostError('EAGAIN', `another apply has held ${path} for ${patience} s`);
    if (taken.status !== 0) {
      throw new HostError('ENOLCK', `cannot lock ${path}: ${taken.error ?? taken.stderr.trim()} (flock of util-linux)`);
    }
    return await work();
  } finally {
    closeSync(fd);
  }
}

function open(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  } catch (error) {
    if (errorCode(error) === 'ELOOP')
      throw new HostError('ELOOP', `cannot lock ${path}: it is a symbolic link; remove it`);
    throw hostError('open', path, error);
  }
}
