import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { codedError } from '../errors.ts';
import { looked } from '../recorded-looks.ts';

/** Bytes. No file that Holdfast reads comes near. A larger file is a mistake, and reading it would stall the host. */
const LARGEST = 16 * 1024 * 1024;

/** Linux's device number of /dev/null. A file that is a link to it counts as empty (sysctl.d(5), "masked"). */
export const NULL_DEVICE = 0x103;

/**
 * A file's bytes. Only a regular file is read: a named pipe would block until a program writes, and a device may do
 * anything. /dev/null counts as empty. Throws as node:fs does, with a code.
 */
export function readRegularFile(path: string): Buffer {
  return looked(
    'file',
    path,
    () => read(path),
    (bytes) => bytes.toString('latin1'),
  );
}

function read(path: string): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const stats = fstatSync(fd);
    if (stats.isFile() && stats.size <= LARGEST) return readFileSync(fd);
    if (stats.isCharacterDevice() && stats.rdev === NULL_DEVICE) return Buffer.alloc(0);
    if (stats.isFile()) throw codedError('EFBIG', `it is larger than ${LARGEST / 1024 / 1024} MiB`);
    throw stats.isDirectory() ? codedError('EISDIR', 'it is a folder') : notRegular(stats);
  } finally {
    closeSync(fd);
  }
}

/** The error for an entry that is neither file, folder nor link. */
export function notRegular(stats: Stats): Error {
  const what = stats.isFIFO() ? 'a named pipe' : stats.isSocket() ? 'a socket' : 'a device';
  return codedError('EFTYPE', `it is ${what}, and a regular file belongs there`);
}
