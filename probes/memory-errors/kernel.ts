/** Emits each record of the kernel's log (/dev/kmsg) with a known cause as an event. */
import { moduleNamed } from '../../agent/host/hardware-inventory.ts';
import type { Host } from '../../agent/host/host.ts';
import type { Occurrence, Probe, Reading } from '../probe.ts';
import { sample } from '../probe.ts';
import { Remembered } from '../remembered.ts';
import { KERNEL_CAUSES, kernelCause } from './causes.ts';
import type { MemoryErrorRecord } from './counts-record.ts';
import { KernelLog, type KernelRecord } from './kmsg.ts';
import { ErrorTally } from './tally.ts';

/** Milliseconds between readings. An empty one takes 20 µs. */
const INTERVAL = 1_000;

/** The most records of one reading. A flood takes several readings. */
const MOST_RECORDS = 2_000;

/** A number of records that no kernel's buffer holds. */
const WHOLE_BUFFER = 1_000_000;

interface Position {
  readonly boot: string;
  readonly sequence: number;
}

/** @param history true: counts all records in the kernel's buffer, and remembers nothing. */
export function kernelMemoryErrors(
  host: Host,
  record: MemoryErrorRecord,
  { history, path = '/dev/kmsg' }: { history: boolean; path?: string },
): Probe {
  const tally = new ErrorTally(record, { history });
  const remembered = new Remembered(host, 'kernel-log', isPosition);
  const boot = host.readText('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
  let log: KernelLog | null = null;

  const open = () => {
    if (history) return new KernelLog({ path });
    const position = remembered.load();
    if (position?.boot === boot) return new KernelLog({ path, after: position.sequence });
    const fresh = new KernelLog({ path });
    fresh.read(WHOLE_BUFFER); // skips the records from before the agent's first start
    return fresh;
  };

  return {
    name: 'memory-errors.kernel',
    cost: 'constant',
    interval: INTERVAL,
    async read(): Promise<Reading[]> {
      log ??= open();
      const read = log.read(history ? WHOLE_BUFFER : MOST_RECORDS);
      tally.watch('kernel', KERNEL_CAUSES);
      for (const said of read.records) {
        const cause = kernelCause(said.text);
        if (cause === null) continue;
        const module = cause.startsWith('ecc-') ? moduleNamed(host, said.text) : null;
        tally.add(cause, said.fromKernel ? 'kernel' : 'kmsg', said.text, timeOf(said), module);
      }
      record.lost += read.lost;
      return [
        ...(read.lost > 0 ? [lostEvent(read.lost)] : []),
        ...tally.take(),
        sample('holdfast.kernel_log.lost', record.lost),
      ];
    },
    handedOn() {
      const sequence = log?.sequence ?? null;
      if (!history && sequence !== null) remembered.save({ boot, sequence });
    },
    async close() {
      log?.close();
      log = null;
    },
  };
}

/**
 * The time of a record. The kernel's clock and Node's monotonic clock both count from boot, without the host's sleep.
 */
function timeOf({ microseconds }: KernelRecord): number {
  const sinceBoot = Number(process.hrtime.bigint() / 1_000_000n);
  return Math.round(Date.now() - sinceBoot + microseconds / 1000);
}

function lostEvent(count: number): Occurrence {
  return {
    kind: 'event',
    name: 'holdfast.kernel_log_lost',
    severity: 'warn',
    time: Date.now(),
    body: `The kernel overwrote ${count} records of its log before they were read, so memory errors may be missing here. A larger buffer (log_buf_len=) keeps more records.`,
    attributes: { count },
  };
}

function isPosition(value: unknown): value is Position {
  const { boot, sequence } = (value ?? {}) as Partial<Position>;
  return typeof boot === 'string' && Number.isSafeInteger(sequence) && Number(sequence) >= 0;
}
