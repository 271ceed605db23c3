/**
 * Finds a record that the collector never takes, because such a record blocks all records behind it. A collector that
 * is down looks the same at first, but in that case no record may be given up. The difference is that a working
 * collector takes another record right before it fails again at this record.
 */
import type { Queue, QueueEntry } from '../spool/queue.ts';

/** Failures in a row after which the records themselves are suspected. */
export const TRIES = 5;
/** The number of later records that are tried in place of the oldest record, one after the other. */
const LOOK_AHEAD = 16;

/** The next step after a failure at the oldest records. */
export type Next = 'retry' | 'divide' | 'try-another' | 'give-up';

export class Suspicion {
  readonly #queue: Queue;
  /** Sequence numbers of records that were delivered out of order, before an older one. */
  readonly #ahead = new Set<number>();
  /** Sequence number of the record that is tried in place of the oldest record. */
  #other: number | null = null;
  #tried = 0;
  /** The reason why the oldest record failed, set after the collector has taken another record since. */
  #proof: string | null = null;
  #reason = '';
  /**
   * Records up to this sequence number were in a failed request. `taken`: the collector has taken other records since.
   */
  #doubted = { through: 0, taken: false };

  constructor(queue: Queue) {
    this.#queue = queue;
  }

  /** Whether the next request tries a later record in place of the oldest record. */
  get triesAnother(): boolean {
    return this.#other !== null;
  }

  /** The entries of the next request, oldest first, without those already delivered. */
  peek(records: number, bytes: number): QueueEntry[] {
    if (this.#other !== null) {
      const entry = this.#behind().find(({ sequence }) => sequence === this.#other);
      if (entry !== undefined) return [entry];
      this.#other = null;
    }
    for (;;) {
      const entries = this.#queue.peek(records + this.#ahead.size, bytes);
      const fresh = entries.filter(({ sequence }) => !this.#ahead.has(sequence)).slice(0, records);
      if (fresh.length > 0 || entries.length === 0) return fresh;
      this.acknowledge(entries.at(-1)!.sequence);
    }
  }

  acknowledge(sequence: number): void {
    this.#queue.acknowledge(sequence);
    for (const one of this.#ahead) if (one <= sequence) this.#ahead.delete(one);
  }

  /** Notes that the oldest records were taken or given up. */
  settled(taken: boolean): void {
    this.#proof = null;
    this.#tried = 0;
    if (taken) this.#doubted.taken = true;
  }

  /** Notes that the later record was taken (true), or failed like the oldest record (false). */
  otherSettled(taken: boolean): void {
    if (taken) {
      this.#ahead.add(this.#other!);
      this.#proof = this.#reason;
    }
    this.#other = null;
  }

  /** Notes that the oldest `count` records, up to `sequence`, failed for this reason, now `failures` times in a row. */
  failed({
    count,
    sequence,
    reason,
    failures,
  }: {
    count: number;
    sequence: number;
    reason: string;
    failures: number;
  }): Next {
    if (sequence > this.#doubted.through) this.#doubted = { through: sequence, taken: false };
    const proof = this.#proof;
    this.#proof = null;
    this.#reason = reason;
    if (proof === reason) return 'give-up';
    if (failures < TRIES) return 'retry';
    if (count > 1) return 'divide';
    const others = this.#behind();
    if (others.length === 0) return this.#doubted.taken ? 'give-up' : 'retry';
    this.#other = others[this.#tried++ % others.length]!.sequence;
    return 'try-another';
  }

  #behind(): QueueEntry[] {
    const entries = this.#queue.peek(LOOK_AHEAD + 1 + this.#ahead.size, Number.POSITIVE_INFINITY);
    return entries.filter(({ sequence }) => !this.#ahead.has(sequence)).slice(1);
  }
}
