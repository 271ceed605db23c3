/** The kernel's log, record by record (Documentation/ABI/testing/dev-kmsg). */
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { errorCode, hostError } from '../../agent/host/errors.ts';

export interface KernelRecord {
  /** Counts up from 0 at boot. */
  readonly sequence: number;
  /** True if the record is from the kernel itself. False if a process wrote it to /dev/kmsg. */
  readonly fromKernel: boolean;
  /** Microseconds since boot, by the kernel's own clock. */
  readonly microseconds: number;
  /** The text, with `\x1b` and the like for characters that are not printable ASCII. */
  readonly text: string;
}

export interface KernelLogRead {
  readonly records: readonly KernelRecord[];
  /** Records that the kernel overwrote before they were read. */
  readonly lost: number;
}

/** Bytes of a read. The kernel returns one record, at most 8 KiB, and refuses a buffer that is too small. */
const LARGEST_RECORD = 16 * 1024;

/** `prefix,sequence,microseconds,flags[,more …];text`. Later lines are a dictionary and begin with a space. */
const RECORD = /^(\d+),(\d+),(\d+),[^;]*;([^\n]*)/;

export function parseKernelRecord(raw: string): KernelRecord | null {
  const [, prefix, sequence, microseconds, text] = RECORD.exec(raw) ?? [];
  if (text === undefined) return null;
  return {
    sequence: Number(sequence),
    fromKernel: Number(prefix) >> 3 === 0, // the facility, as syslog(3) has it
    microseconds: Number(microseconds),
    text,
  };
}

/**
 * Standard input: systemd opens the log, because the service's sandbox may not. A new reader goes on where the last
 * reader ended.
 */
const GIVEN = 0;

/** The device number of /dev/kmsg, `major << 8 | minor` (Documentation/admin-guide/devices.txt). */
const KMSG = (1 << 8) | 11;

export class KernelLog {
  readonly #path: string;
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(LARGEST_RECORD);
  /** The next sequence number; null if the first record may have any number. */
  #next: number | null;

  /**
   * @param after the last sequence number already read; null to begin with the oldest record that the kernel still has.
   * Throws HostError if the log may not be read (kernel.dmesg_restrict).
   */
  constructor({ path = '/dev/kmsg', after = null }: { path?: string; after?: number | null } = {}) {
    this.#path = path;
    this.#next = after === null ? null : after + 1;
    try {
      // Not blocking, because a blocked read would occupy one of Node's four threads for ever.
      this.#fd = isGiven(path) ? GIVEN : openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    } catch (error) {
      throw hostError('read', path, error);
    }
  }

  /** The last sequence number read; null if there is none yet. */
  get sequence(): number | null {
    return this.#next === null ? null : this.#next - 1;
  }

  /** Returns at most `limit` new records. Records that were read before are skipped and do not count. Never waits. */
  read(limit: number): KernelLogRead {
    const records: KernelRecord[] = [];
    let lost = 0;
    for (let n = 0; n < limit; ) {
      const raw = this.#readOne();
      if (raw === null) break;
      const record = raw === 'overwritten' ? null : parseKernelRecord(raw);
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
      // The next record was overwritten. The read after this returns the oldest one, whose number shows how many are
      // lost.
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
