/** Undelivered heartbeats and events, each in its own queue, with one limit for both. */
import { join } from 'node:path';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { EventRecord, HeartbeatMeasurements } from '../heartbeat.ts';
import { Queue, type QueueEntry, type QueueOptions } from './queue.ts';

export type Signal = 'metrics' | 'events';
export type SpoolLoss = 'full' | 'thinned' | 'damaged' | 'rejected';

const LARGEST_SEGMENT = 1024 * 1024;
const SMALLEST_SEGMENT = 16 * 1024;
/** Bytes of each queue in memory while the disk refuses records: a bad day's events, some hours' heartbeats. */
const MEMORY = 1024 * 1024;
const LARGEST_RECORD = 16 * 1024 * 1024;

export interface SpoolOptions {
  readonly folder: string;
  /** The most bytes on disk, both queues together. */
  readonly bound: number;
  lost(signal: Signal, reason: SpoolLoss, count: number): void;
  trouble(signal: Signal, message: string | null): void;
}

export class Spool {
  readonly metrics: Queue;
  readonly events: Queue;
  bound: number;

  constructor({ folder, bound, lost, trouble }: SpoolOptions) {
    this.bound = bound;
    const open = (signal: Signal, overflow: QueueOptions['overflow']) =>
      new Queue({
        folder: join(folder, signal),
        segmentBytes: Math.min(Math.max(Math.floor(bound / 64), SMALLEST_SEGMENT), LARGEST_SEGMENT),
        memoryBytes: Math.min(MEMORY, bound),
        overflow,
        lost: (reason, count) => lost(signal, reason, count),
        trouble: (message) => trouble(signal, message),
      });
    this.metrics = open('metrics', 'every-second');
    this.events = open('events', 'oldest');
  }

  get bytes(): number {
    return this.metrics.bytes + this.events.bytes;
  }

  addMeasurements(measurements: HeartbeatMeasurements): void {
    this.metrics.append(pack(measurements));
    this.#makeRoom();
  }

  addEvent(record: EventRecord): void {
    this.events.append(pack(record));
    void this.events.sync();
    this.#makeRoom();
  }

  async close(): Promise<void> {
    await Promise.all([this.metrics.close(), this.events.close()]);
  }

  /** Makes room: first metrics lose resolution, then the oldest metrics go, and events go last. */
  #makeRoom(): void {
    while (this.bytes > this.bound) {
      if (!(this.metrics.thin() || this.metrics.dropOldest() || this.events.dropOldest())) return;
    }
  }
}

/** The record of an entry; null if it cannot be read. */
export function unpack<T>({ payload }: QueueEntry): T | null {
  try {
    return JSON.parse(inflateRawSync(payload, { maxOutputLength: LARGEST_RECORD }).toString()) as T;
  } catch {
    return null;
  }
}

function pack(record: HeartbeatMeasurements | EventRecord): Buffer {
  return deflateRawSync(JSON.stringify(record));
}
