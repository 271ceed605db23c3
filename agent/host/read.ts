import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';

/** Bytes. No file that Holdfast cares for comes near; a larger one is a mistake, and reading it would stall the host. */
const LARGEST = 16 * 1024 * 1024;

/** Linux' number of /dev/null: what a file is linked to, to count as empty (sysctl.d(5), "masked"). */
const NULL_DEVICE = 0x103;

/**
 * A file's bytes. A named pipe would be waited for until somebody writes, a device may do anything, so only a regular
 * file is read; /dev/null is empty. Throws as node:fs does, with a code.
 */
export function readRegularFile(path: string): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const stats = fstatSync(fd);
    if (stats.isFile() && stats.size <= LARGEST) return readFileSync(fd);
    if (stats.isCharacterDevice() && stats.rdev === NULL_DEVICE) return Buffer.alloc(0);
    if (stats.isFile()) throw refusal('EFBIG', `it is larger than ${LARGEST / 1024 / 1024} MiB`);
    throw stats.isDirectory() ? refusal('EISDIR', 'it is a folder') : notRegular(stats);
  } finally {
    closeSync(fd);
  }
}

/** What is said of a thing that is neither file, folder nor link. The code is BSD's name for it; Linux has none. */
export function notRegular(stats: Stats): Error {
  const what = stats.isFIFO() ? 'a named pipe' : stats.isSocket() ? 'a socket' : 'a device';
  return refusal('EFTYPE', `it is ${what}, not a regular file; take it away`);
}

function refusal(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
