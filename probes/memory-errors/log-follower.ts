/**
 * Follows a log file line by line across rotation (renamed and begun anew), truncation (copytruncate), and times
 * without the file. The work of one reading and the length of a line are bounded, because any program may write the
 * log.
 */
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { codedError, errorCode, hostError } from '../../agent/host/errors.ts';
import { notRegular } from '../../agent/host/files/read.ts';

/**
 * The place where reading goes on. A new file may have the inode number of a deleted file, so the time of birth is also
 * compared.
 */
export interface LogPosition {
  readonly inode: number;
  /** Milliseconds since the epoch. */
  readonly born: number;
  readonly offset: number;
}

/** `tail`: begin at the file's end, with as many bytes as one reading takes. */
type Beginning = LogPosition | 'start' | 'tail' | 'end';

/** Milliseconds for which a file may be missing during a rotation. */
const ROTATION = 60_000;

/** Bytes of one reading. A log that grows faster takes several readings. */
const MOST_BYTES = 1024 * 1024;

/** The most bytes of a line that are kept. The rest is skipped. */
const LONGEST_LINE = 4096;

interface OpenLog {
  readonly handle: FileHandle;
  readonly inode: number;
  readonly born: number;
  offset: number;
}

export class LogFollower {
  readonly #path: string;
  readonly #buffer = Buffer.alloc(64 * 1024);
  /** null if the file does not exist, or if nothing was read yet. */
  #log: OpenLog | null = null;
  /** The place to begin in the first file. Later files are read from their start. */
  #begin: Beginning;
  /** The beginning of a line whose end is not written yet, and whether some of its bytes were skipped. */
  #partial = '';
  #cut = false;
  readonly #clock: () => number;
  /** Since when no file has this name; null if a file has it. */
  #missing: number | null = null;
  #reading: Promise<string[]> | null = null;
  #closed = false;

  /** `clock` is in milliseconds. */
  constructor(path: string, begin: Beginning, clock = () => performance.now()) {
    this.#path = path;
    this.#begin = begin;
    this.#clock = clock;
  }

  /**
   * Whether the file has been missing for longer than a rotation takes. Its writer may still write to the deleted file.
   */
  get gone(): boolean {
    return this.#missing !== null && this.#clock() - this.#missing > ROTATION;
  }

  /** The position at the end of the last whole line; null while there is no file. */
  get position(): LogPosition | null {
    if (this.#log === null) return null;
    const { inode, born, offset } = this.#log;
    return { inode, born, offset: this.#cut ? offset : offset - this.#partial.length };
  }

  /** The new whole lines, latin1. Throws HostError if the file is missing or cannot be read. */
  async read(): Promise<string[]> {
    if (this.#closed) return [];
    this.#reading = this.#readLines();
    return this.#reading;
  }

  /** Waits for a running reading first, because it may be about to open the file. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#reading?.catch(() => {}); // the caller of that reading gets the error
    await this.#leave();
  }

  async #readLines(): Promise<string[]> {
    const lines: string[] = [];
    let left = MOST_BYTES;
    while (left > 0) {
      if (this.#log === null) await this.#open();
      const log = this.#log as OpenLog | null;
      if (log === null) break;
      left -= await this.#readTo(log, left, lines).catch((error: unknown) => {
        throw hostError('read', this.#path, error);
      });
      if (left <= 0 || !(await this.#replaced(log))) break;
      // The old file's last line stays unfinished, so its beginning is dropped.
      await this.#leave();
    }
    return lines;
  }

  async #leave(): Promise<void> {
    const handle = this.#log?.handle;
    this.#log = null;
    this.#partial = '';
    this.#cut = false;
    await handle?.close();
  }

  async #open(): Promise<void> {
    const begin = this.#begin;
    this.#begin = 'start';
    try {
      if (typeof begin === 'object') {
        const log = await openLog((await this.#findAgain(begin)) ?? this.#path);
        this.#log = log;
        if (same(log, begin)) log.offset = begin.offset;
      } else {
        this.#log = await openLog(this.#path);
        const { size } = await this.#log.handle.stat();
        if (begin !== 'start') this.#log.offset = begin === 'end' ? size : Math.max(0, size - MOST_BYTES);
      }
    } catch (error) {
      throw hostError('read', this.#path, error);
    }
  }

  /**
   * Finds the file that was read last: the log itself, or a neighbour whose name begins with its name (`bgpd.log.1`).
   */
  async #findAgain(position: LogPosition): Promise<string | null> {
    const folder = dirname(this.#path);
    for (const name of await readdir(folder)) {
      if (!name.startsWith(basename(this.#path))) continue;
      const path = join(folder, name);
      const found = await stat(path).catch(() => null);
      if (found?.isFile() && same({ inode: found.ino, born: found.birthtimeMs }, position)) return path;
    }
    return null;
  }

  async #readTo(log: OpenLog, most: number, lines: string[]): Promise<number> {
    let done = 0;
    while (done < most) {
      const { bytesRead } = await log.handle.read(
        this.#buffer,
        0,
        Math.min(this.#buffer.length, most - done),
        log.offset,
      );
      if (bytesRead === 0) break;
      log.offset += bytesRead;
      done += bytesRead;
      this.#split(this.#buffer.toString('latin1', 0, bytesRead), lines);
    }
    return done;
  }

  #split(text: string, lines: string[]): void {
    const parts = text.split('\n');
    for (const [index, part] of parts.entries()) {
      this.#cut ||= this.#partial.length + part.length > LONGEST_LINE;
      this.#partial = (this.#partial + part).slice(0, LONGEST_LINE);
      if (index === parts.length - 1) break;
      lines.push(this.#partial);
      this.#partial = '';
      this.#cut = false;
    }
  }

  /** Whether the path leads to another file now. A truncated file is read again from its start. */
  async #replaced(log: OpenLog): Promise<boolean> {
    const { size } = await log.handle.stat();
    if (size < log.offset) {
      log.offset = 0;
      this.#partial = '';
      this.#cut = false;
    }
    try {
      const { ino } = await stat(this.#path);
      this.#missing = null;
      return ino !== log.inode;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') {
        // The log is being rotated, so its writer may still hold the old file.
        this.#missing ??= this.#clock();
        return false;
      }
      throw hostError('look at', this.#path, error);
    }
  }
}

function same(a: { inode: number; born: number }, b: LogPosition): boolean {
  return a.inode === b.inode && a.born === b.born;
}

async function openLog(path: string): Promise<OpenLog> {
  // Opening a device may have an effect of its own: a watchdog's device resets the host some time after it was closed.
  const problem = await notALog(path, await stat(path));
  if (problem !== null) throw problem;
  // Opening a named pipe would wait for a writer.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  const stats = await handle.stat();
  if (stats.isFile()) return { handle, inode: stats.ino, born: stats.birthtimeMs, offset: 0 };
  await handle.close();
  throw notRegular(stats);
}

/**
 * Files of /proc and /sys look regular. Reading such a file may take messages away from another program, or have
 * another effect.
 */
async function notALog(path: string, stats: Stats): Promise<Error | null> {
  if (stats.isDirectory()) return codedError('EISDIR', 'it is a folder');
  if (!stats.isFile()) return notRegular(stats);
  const real = await realpath(path).catch(() => path);
  if (!/^\/(proc|sys)\//.test(real)) return null;
  const instead = real === '/proc/kmsg' ? '; the kernel’s messages are read without it' : '';
  return codedError('EFTYPE', `it is a file of the kernel’s own, and no log${instead}`);
}
