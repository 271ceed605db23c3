/**
 * Delivers the records of one queue to the collector in order. Each request waits for the answer to the previous
 * request. Failures are retried at growing and random intervals, so that a fleet does not come back all at once. A
 * single record that the collector never takes is found and given up (suspicion.ts).
 */
import { gzipSync } from 'node:zlib';
import type { SampleAttributes } from '../../../probes/probe.ts';
import { errorMessage } from '../../host/errors.ts';
import { CONTENT_TYPES, type Encoding, type Format } from '../otlp-encoding.ts';
import type { Queue } from '../spool/queue.ts';
import { unpack } from '../spool/spool.ts';
import type { Client } from './http-client.ts';
import { Suspicion } from './suspicion.ts';
import { type DeliveryVerdict, judgeDelivery, later } from './verdict.ts';

/** All times are in milliseconds. */
export interface Timing {
  /** Limit of one request, from the look-up of the name to the last byte of the answer. */
  readonly request: number;
  /** The wait after the first failure is random between half of this and all of it. Each failure doubles the wait. */
  readonly firstRetry: number;
  /**
   * The longest wait. A collector that is down gets about one request in each heartbeat interval, as it does when it is
   * up.
   */
  readonly longestRetry: number;
  /** The longest random pause between two requests of a backlog. */
  readonly pause: number;
}

export const TIMING: Timing = { request: 15_000, firstRetry: 1000, longestRetry: 60_000, pause: 500 };

export interface LaneOptions<T> {
  /** `/v1/metrics`. */
  readonly path: string;
  readonly queue: Queue;
  readonly encoding: Encoding<T>;
  readonly format: Format;
  readonly client: Client;
  readonly timing: Timing;
  /** The most records of one request. */
  readonly records: number;
  lost(reason: 'rejected' | 'damaged', count: number): void;
  /** Called at the first failure, at each new reason, and with null when deliveries succeed again. */
  trouble(reason: string | null): void;
}

/**
 * Milliseconds until the next try. `failures` counts the failures before the last; `random` is from 0 to less than 1.
 */
export function retryDelay(failures: number, { firstRetry, longestRetry }: Timing, random = Math.random()): number {
  return Math.min(firstRetry * 2 ** failures, longestRetry) * (0.5 + random / 2);
}

interface Batch<T> {
  readonly records: readonly T[];
  /** The number of records that could not be read. */
  readonly damaged: number;
  /** The last record's sequence number, damaged ones included. */
  readonly sequence: number;
}

/** Bytes on disk of one request. Inflated, a request has about ten times as many. */
const BATCH_BYTES = 128 * 1024;
/** Milliseconds that a step may take beyond its own time limit before it counts as hanging. */
const SLACK = 30_000;

export class Lane<T extends { readonly resource: SampleAttributes }> {
  readonly #options: LaneOptions<T>;
  readonly #suspicion: Suspicion;
  #request: AbortController | null = null;
  #records: number;
  #failures = 0;
  #trouble: string | null = null;
  #closing = false;
  #over = false;
  #waitsFor: 'records' | 'retry' | 'throttle' | null = null;
  #resume: () => void = () => {};
  /** A step that still runs at this time hangs. By the clock of performance.now(). */
  #deadline = Number.POSITIVE_INFINITY;
  readonly #ended: Promise<void>;

  constructor(options: LaneOptions<T>) {
    this.#options = options;
    this.#suspicion = new Suspicion(options.queue);
    this.#records = options.records;
    this.#ended = this.#run().catch((error) => {
      this.#deadline = Number.NEGATIVE_INFINITY;
      this.#tell(`delivery has stopped: ${errorMessage(error)}`);
    });
  }

  /** Whether the lane keeps trying. A collector that is down does not make the lane unhealthy. */
  healthy(now: number): boolean {
    return now < this.#deadline;
  }

  /** Announces a new record in the queue. Does not shorten the wait for the next retry. */
  wake(): void {
    if (this.#waitsFor === 'records') this.#resume();
  }

  /**
   * Tries the waiting records once more, for `deadline` milliseconds, unless the collector asked for a pause. Ends
   * afterwards.
   */
  async stop(deadline: number): Promise<void> {
    this.#closing = true;
    this.#resume();
    const timer = setTimeout(() => {
      this.#over = true;
      this.#request?.abort();
    }, deadline);
    await this.#ended;
    clearTimeout(timer);
  }

  async #run(): Promise<void> {
    while (!this.#over) {
      const batch = this.#batch();
      if (batch === null) {
        if (this.#closing) return;
        await this.#wait('records');
        continue;
      }
      const last = this.#closing;
      const verdict = await this.#send(batch.records);
      const wait = this.#settle(batch, verdict);
      if (last && verdict.kind === 'later') return;
      if (wait === 0) continue;
      const throttled = verdict.kind === 'later' && verdict.after > 0;
      await this.#wait(throttled ? 'throttle' : 'retry', wait);
      if (this.#closing && throttled) return;
    }
  }

  /** The oldest records that fit into one request and share one resource. */
  #batch(): Batch<T> | null {
    for (;;) {
      const entries = this.#suspicion.peek(this.#records, BATCH_BYTES);
      if (entries.length === 0) return null;
      const records: T[] = [];
      let resource: string | null = null;
      let damaged = 0;
      let sequence = 0;
      for (const entry of entries) {
        const record = unpack<T>(entry);
        if (record === null) {
          damaged++;
        } else {
          const own = JSON.stringify(record.resource);
          resource ??= own;
          if (own !== resource) break;
          records.push(record);
        }
        sequence = entry.sequence;
      }
      if (records.length > 0) return { records, damaged, sequence };
      if (this.#suspicion.triesAnother) {
        this.#suspicion.otherSettled(false);
        continue;
      }
      this.#options.lost('damaged', damaged);
      this.#suspicion.acknowledge(sequence);
    }
  }

  async #send(records: readonly T[]): Promise<DeliveryVerdict> {
    const { path, encoding, format, client, timing } = this.#options;
    let body: Uint8Array;
    try {
      body = gzipSync(encoding.encode(records, format));
    } catch (error) {
      return { kind: 'refused', reason: `the records cannot be encoded: ${errorMessage(error)}` };
    }
    const headers = { 'content-type': CONTENT_TYPES[format], 'content-encoding': 'gzip' };
    const request = new AbortController();
    this.#request = request;
    this.#deadline = performance.now() + timing.request + SLACK;
    const timer = setTimeout(() => request.abort(), timing.request);
    try {
      const reply = await client.post(path, body, headers, request.signal);
      return judgeDelivery(reply, (answer) => encoding.rejected(answer, format));
    } catch (error) {
      return later(request.signal.aborted ? `no answer within ${timing.request / 1000} s` : errorMessage(error));
    } finally {
      clearTimeout(timer);
      this.#request = null;
    }
  }

  /** Carries out a verdict. Returns the milliseconds to wait. */
  #settle(batch: Batch<T>, verdict: DeliveryVerdict): number {
    const { records, damaged, sequence } = batch;
    const { lost, timing } = this.#options;
    const soon = Math.random() * timing.pause;
    if (this.#suspicion.triesAnother) {
      this.#suspicion.otherSettled(verdict.kind === 'accepted');
      return verdict.kind === 'accepted' ? soon : retryDelay(this.#failures++, timing);
    }
    if (verdict.kind === 'later') return this.#putOff(batch, verdict);
    this.#failures = 0;
    if (verdict.kind === 'refused' && records.length > 1) {
      this.#records = Math.ceil(records.length / 2);
      return soon;
    }
    this.#suspicion.settled(verdict.kind === 'accepted');
    this.#suspicion.acknowledge(sequence);
    if (damaged > 0) lost('damaged', damaged);
    this.#records = Math.min(this.#records * 2, this.#options.records);
    if (verdict.kind === 'refused') {
      lost('rejected', records.length);
      this.#tell(verdict.reason);
    } else if (verdict.rejected !== null) {
      lost('rejected', verdict.rejected.count);
      this.#tell(
        `the collector rejected ${verdict.rejected.count} records and took the others: ${verdict.rejected.reason}`,
      );
    } else {
      this.#tell(null);
    }
    return soon;
  }

  /** Keeps records that were not taken this time. Returns the milliseconds to wait. */
  #putOff(batch: Batch<T>, { reason, after }: DeliveryVerdict & { kind: 'later' }): number {
    const { records, sequence } = batch;
    const { timing } = this.#options;
    if (!this.#over) this.#tell(reason);
    // A collector that asks for a pause works, and its answer does not concern these records.
    if (after > 0) return after + retryDelay(this.#failures++, timing);
    const failures = this.#failures + 1;
    const next = this.#suspicion.failed({ count: records.length, sequence, reason, failures });
    if (next === 'divide') {
      this.#records = Math.ceil(records.length / 2);
      return Math.random() * timing.pause;
    }
    if (next === 'give-up') {
      return this.#settle(batch, {
        kind: 'refused',
        reason: `${reason}, each time at the same record, so this record is given up`,
      });
    }
    this.#failures = failures;
    return retryDelay(failures - 1, timing);
  }

  #tell(reason: string | null): void {
    if (reason !== this.#trouble) this.#options.trouble(reason);
    this.#trouble = reason;
  }

  /** Waits until `stop`, or for so many milliseconds, or for `wake` if it waits for records. */
  async #wait(what: 'records' | 'retry' | 'throttle', milliseconds?: number): Promise<void> {
    if (this.#closing) return;
    this.#deadline = performance.now() + (milliseconds ?? Number.POSITIVE_INFINITY) + SLACK;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#waitsFor = what;
      this.#resume = resolve;
      if (milliseconds !== undefined) timer = setTimeout(resolve, milliseconds);
    });
    clearTimeout(timer);
    this.#waitsFor = null;
  }
}
