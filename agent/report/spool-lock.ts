/** One reporter a spool: two would each take away what the other has not sent. */
import { closeSync, constants, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../host/run.ts';

/** Seconds that flock(1) may take to say no. */
const PATIENCE = 5;

/**
 * Gives what lets go of it again; null where another process, or another reporter of this one, has it. The lock is the
 * kernel's and ends with its holder, however that ends. Where there can be no lock there is nothing on disk to protect.
 */
export function lockSpool(folder: string): (() => void) | null {
  let fd: number;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    fd = openSync(join(folder, 'lock'), constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  } catch {
    return () => {};
  }
  // node has no flock: util-linux's takes it on the open file that this process keeps.
  const { status } = run('flock', ['--exclusive', '--nonblock', '3'], { fds: [fd], timeLimit: PATIENCE * 1000 });
  if (status !== 1) return () => closeSync(fd);
  closeSync(fd);
  return null;
}
