import { writeSync } from 'node:fs';
import { errorCode, hostError } from '../../host/errors.ts';

/** Milliseconds until a full pipe is tried again. */
const PAUSE = 5;

/**
 * Writes all of `text` to stdout (1) or stderr (2) before it returns. Node's own streams take 4 ms to start, which is
 * long for a command that prints one line. A reader that has ended (EPIPE) is no error. Throws HostError.
 */
export function write(fd: 1 | 2, text: string): void {
  let rest = Buffer.from(text, 'utf8');
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      if (errorCode(error) === 'EPIPE') return;
      if (errorCode(error) !== 'EAGAIN') throw hostError('write to', fd === 1 ? 'stdout' : 'stderr', error);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE);
    }
  }
}
