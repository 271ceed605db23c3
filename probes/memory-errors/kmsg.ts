/** The kernel's log, record by record (Documentation/ABI/testing/dev-kmsg). */
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { errorCode, hostError } from '../../agent/host/errors.ts';

export interface KernelRecord {
  /** Counts up from 0 at boot. */
  readonly sequence: number;
  /** Whether the kernel itself said it, or a process that wrote to /dev/kmsg. */
  readonly fromKernel: boolean;
  /** Microseconds since boot, by the kernel's own clock. */
  readonly microseconds: number;
  /** What is not printable ASCII stands in it as `\x1b`. */
  readonly text: string;
}

export interface KernelLogRead {
  readonly records: readonly KernelRecord[];
  /** Records that the kernel overwrote before they were read. */
  readonly lost: number;
}

/** Bytes: the kernel gives one record a read, and refuses a buffer that it does not fit (8 KiB at most). */
const LARGEST_RECORD = 16 * 1024;

/** `prefix,sequence,microseconds,flags[,more …];text`; lines after it are a dictionary, and begin with a space. */
const RECORD = /^(\d+),(\d+),(\d+),[^;]*;([^\n]*)/;

export function parseRecord(raw: string): KernelRecord | null {
  const [, prefix, sequence, microseconds, text] = RECORD.exec(raw) ?? [];
  if (text === undefined) return null;
  return {
    sequence: Number(sequence),
    fromKernel: Number(prefix) >> 3 === 0, // the facility, as syslog(3) has it
    microseconds: Number(microseconds),
    text,
  };
}

/** The service's sandbox has no right to the log: systemd opens it, as standard input. Where one reader ends the next goes on. */
const GIVEN = 0;

/** Of /dev/kmsg, `major << 8 | minor` (Documentation/admin-guide/devices.txt). */
const KMSG = (1 << 8) | 11;

export class KernelLog {
  readonly #path: string;
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(LARGEST_RECORD);
  /** The sequence that comes next; null: whatever comes first. */
  #next: number | null;

  /**
   * @param after the last sequence that was already read; null: begin with the oldest that the kernel still has.
   * Throws HostError where the log may not be read (kernel.dmesg_restrict).
   */
  constructor({ path = '/dev/kmsg', after = null }: { path?: string; after?: number | null } = {}) {
    this.#path = path;
    this.#next = after === null ? null : after + 1;
    try {
      // Blocking, a read would keep one of Node's four threads for ever.
      this.#fd = isGiven(path) ? GIVEN : openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    } catch (error) {
      throw hostError('read', path, error);
    }
  }

  /** The last sequence that was read; null: none yet. */
  get sequence(): number | null {
    return this.#next === null ? null : this.#next - 1;
  }

  /** What came since the last read, at most `limit` records; those passed over, read before, do not count. Never waits. */
  read(limit: number): KernelLogRead {
    const records: KernelRecord[] = [];
    let lost = 0;
    for (let n = 0; n < limit; ) {
      const raw = this.#readOne();
      if (raw === null) break;
      const record = raw === 'overwritten' ? null : parseRecord(raw);
      const next = this.#next ?? record?.sequence ?? 0;
      if (record !== null && record.sequence < next) continue;
      n += 1;
      if (record === null) continue;
      lost += record.sequence - next;
      this.#next = record.sequence + 1;
      records.push(record);
    }
    return { records, lost };
  }

  close(): void {
    if (this.#fd !== GIVEN) closeSync(this.#fd);
  }

  #readOne(): string | 'overwritten' | null {
    try {
      const length = readSync(this.#fd, this.#buffer);
      return length === 0 ? null : this.#buffer.toString('latin1', 0, length);
    } catch (error) {
      if (errorCode(error) === 'EAGAIN') return null;
      // The record that was next is gone; the next read gives the oldest that there is. How many: by its sequence.
      if (errorCode(error) === 'EPIPE') return 'overwritten';
      throw hostError('read', this.#path, error);
    }
  }
}

function isGiven(path: string): boolean {
  if (path !== '/dev/kmsg') return false;
  try {
    const stats = fstatSync(GIVEN);
    if (!stats.isCharacterDevice() || stats.rdev !== KMSG) return false;
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${GIVEN}`, 'latin1'))?.[1] ?? '0';
    return (Number.parseInt(flags, 8) & constants.O_NONBLOCK) !== 0;
  } catch {
    return false; // it is closed
  }
}
