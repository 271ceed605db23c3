/**
 * The records of one signal that wait for the collector, in order, on disk. While the disk refuses them, a bounded
 * number waits in memory. When `append` returns, the kernel has the record, so a killed process loses none. When `sync`
 * is done, the disk has the record, so a power cut loses none. Acknowledged records are removed.
 */
import { close, closeSync, fdatasync, ftruncateSync } from 'node:fs';
import { promisify } from 'node:util';
import { errorMessage } from '../../host/errors.ts';
import {
  appendAll,
  createSegment,
  openSegments,
  readSegment,
  removeSegment,
  replaceSegment,
  type Segment,
} from './segments.ts';
import { frame, frames } from './spool-frames.ts';

export interface QueueEntry {
  readonly sequence: number;
  readonly payload: Buffer;
}

export interface QueueOptions {
  readonly folder: string;
  /** Bytes after which a new segment begins. */
  readonly segmentBytes: number;
  /** The most bytes in memory while the disk refuses records. */
  readonly memoryBytes: number;
  /** Which records are dropped when memory is full: the oldest, or every second one. */
  readonly overflow: 'oldest' | 'every-second';
  /** Called with records that were given up. */
  lost(reason: 'full' | 'thinned' | 'damaged', count: number): void;
  /** Called when the disk begins to refuse, with null when it takes records again, and for damaged records. */
  trouble(message: string | null): void;
}

/** A segment of every 2⁴th record is not thinned further. */
const MAX_LEVEL = 4;
const sync = promisify(fdatasync);

export class Queue {
  readonly #options: QueueOptions;
  #segments: Segment[] = [];
  /** The descriptor of the last segment, while records may be appended to it. */
  #fd: number | null = null;
  #memory: QueueEntry[] = [];
  #next = 1;
  #number = 0;
  #acknowledged = 0;
  #refused = false;
  #dirty = false;
  #syncing: Promise<void> | null = null;

  /** Never throws. A folder that cannot be used is reported as trouble, and the records stay in memory. */
  constructor(options: QueueOptions) {
    this.#options = options;
    try {
      const { segments, acknowledged, cut } = openSegments(options.folder);
      this.#segments = segments;
      this.#number = segments.at(-1)?.number ?? 0;
      this.#acknowledged = acknowledged;
      this.#next = Math.max(acknowledged, ...segments.map(({ last }) => last)) + 1;
      if (cut > 0) options.trouble(`cut off ${cut} torn or damaged bytes in ${options.folder}`);
      this.#discardDelivered();
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** The size on disk. */
  get bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  append(payload: Buffer): void {
    this.#memory.push({ sequence: this.#next++, payload });
    this.#spill();
    let bytes = this.#memory.reduce((sum, { payload: { length } }) => sum + length, 0);
    while (bytes > this.#options.memoryBytes) {
      const kept =
        this.#options.overflow === 'oldest'
          ? this.#memory.slice(1)
          : this.#memory.filter((_, index) => index % 2 === 1);
      this.#options.lost(this.#options.overflow === 'oldest' ? 'full' : 'thinned', this.#memory.length - kept.length);
      this.#memory = kept;
      bytes = kept.reduce((sum, { payload: { length } }) => sum + length, 0);
    }
  }

  /** The oldest records: at most `records`, and none beyond `bytes`, but at least one if the queue has one. */
  peek(records: number, bytes: number): QueueEntry[] {
    const found: QueueEntry[] = [];
    let size = 0;
    const full = () => found.length >= records || size >= bytes;
    const take = (entry: QueueEntry) => {
      found.push(entry);
      size += entry.payload.length;
    };
    for (const segment of [...this.#segments]) {
      if (full()) return found;
      const before = found.length;
      for (const entry of this.#waiting(segment)) {
        if (full()) return found;
        take(entry);
      }
      if (found.length === before && segment.last > this.#acknowledged) this.#giveUp(segment, 'damaged');
    }
    // Records in memory come after those on disk.
    for (const entry of this.#memory) {
      if (full()) break;
      take(entry);
    }
    return found;
  }

  /** Removes everything up to this sequence number: it was delivered, or can never be. */
  acknowledge(sequence: number): void {
    this.#acknowledged = Math.max(this.#acknowledged, sequence);
    this.#memory = this.#memory.filter((entry) => entry.sequence > this.#acknowledged);
    this.#discardDelivered();
    if (this.#segments.every(({ bytes }) => bytes === 0)) return;
    try {
      this.#write(frame('ack', this.#acknowledged));
    } catch {
      // Without this mark a restart delivers the record again, and its id shows the repeat.
    }
  }

  /** Drops every second record of one old segment. Returns false if no segment can be thinned further. */
  thin(): boolean {
    if (this.#segments.length === 1) this.#seal();
    const [segment] = this.#segments
      .slice(0, this.#fd === null ? undefined : -1)
      .filter(({ level }) => level < MAX_LEVEL)
      .sort((a, b) => a.level - b.level);
    if (segment === undefined) return false;
    try {
      const all = [...this.#waiting(segment)];
      const kept = all.filter((_, index) => index % 2 === 0);
      const content = kept.map(({ sequence, payload }) => frame('record', sequence, payload));
      // The removed segment may have held the acknowledgement, so it is written again.
      const next = replaceSegment(
        this.#options.folder,
        segment,
        Buffer.concat([frame('ack', this.#acknowledged), ...content]),
      );
      next.last = kept.at(-1)?.sequence ?? 0;
      this.#segments[this.#segments.indexOf(segment)] = next;
      this.#options.lost('thinned', all.length - kept.length);
      return true;
    } catch {
      return false;
    }
  }

  /** Gives up the oldest segment. Returns false if there is none. */
  dropOldest(): boolean {
    const [segment] = this.#segments;
    if (segment === undefined) return false;
    this.#giveUp(segment, 'full');
    return true;
  }

  /** Waits until earlier records are on the disk, unless the disk refuses them. */
  sync(): Promise<void> {
    this.#dirty = true;
    this.#syncing ??= this.#syncAll();
    return this.#syncing;
  }

  async close(): Promise<void> {
    await this.sync();
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  async #syncAll(): Promise<void> {
    while (this.#dirty) {
      this.#dirty = false;
      // One sync serves all records that came during the last one. If it fails, the next write reports the error.
      if (this.#fd !== null) await sync(this.#fd).catch(() => {});
    }
    this.#syncing = null;
  }

  /** Moves records from memory to the disk, as far as the disk takes them. */
  #spill(): void {
    try {
      for (let entry = this.#memory[0]; entry !== undefined; entry = this.#memory[0]) {
        this.#write(frame('record', entry.sequence, entry.payload));
        this.#segments.at(-1)!.last = entry.sequence;
        this.#memory.shift();
      }
      if (this.#refused) this.#options.trouble(null);
      this.#refused = false;
    } catch (error) {
      this.#refuse(error);
    }
  }

  #refuse(error: unknown): void {
    if (!this.#refused) this.#options.trouble(`the spool is in memory only: ${errorMessage(error)}`);
    this.#refused = true;
  }

  #write(bytes: Buffer): void {
    if (this.#fd !== null && this.#segments.at(-1)!.bytes >= this.#options.segmentBytes) this.#seal();
    if (this.#fd === null) {
      const made = createSegment(this.#options.folder, ++this.#number);
      this.#segments.push(made.segment);
      this.#fd = made.fd;
    }
    const segment = this.#segments.at(-1)!;
    try {
      appendAll(this.#fd, bytes);
      segment.bytes += bytes.length;
    } catch (error) {
      this.#untear(this.#fd, segment.bytes);
      throw error;
    }
  }

  /** Removes half a frame that a full disk took, because it would hide later frames. */
  #untear(fd: number, bytes: number): void {
    try {
      ftruncateSync(fd, bytes);
    } catch {
      this.#seal();
    }
  }

  /** Ends appending to the last segment. */
  #seal(): void {
    const fd = this.#fd;
    if (fd === null) return;
    this.#fd = null;
    fdatasync(fd, () => close(fd, () => {}));
  }

  /**
   * Removes delivered segments, the oldest first. A later segment may hold only acknowledgements, which are still
   * needed.
   */
  #discardDelivered(): void {
    const active = this.#fd === null ? undefined : this.#segments.at(-1);
    for (let [segment] = this.#segments; segment !== undefined; [segment] = this.#segments) {
      if (segment.last > this.#acknowledged) return;
      // The segment is emptied, not removed, because with a collector that answers this happens at every heartbeat.
      if (segment === active) {
        this.#empty(segment);
        return;
      }
      this.#segments.shift();
      removeSegment(segment);
    }
  }

  #empty(segment: Segment): void {
    try {
      ftruncateSync(this.#fd!, 0);
      Object.assign(segment, { bytes: 0, last: 0, head: 0 });
    } catch {
      // The next call tries to empty it again.
    }
  }

  #giveUp(segment: Segment, reason: 'full' | 'damaged'): void {
    this.#options.lost(reason, Math.max([...this.#waiting(segment)].length, reason === 'damaged' ? 1 : 0));
    if (segment === this.#segments.at(-1)) this.#seal();
    this.#segments = this.#segments.filter((other) => other !== segment);
    removeSegment(segment);
  }

  *#waiting(segment: Segment): Generator<QueueEntry> {
    if (segment.last <= this.#acknowledged) return;
    const from = segment.head;
    for (const { kind, sequence, payload, end } of frames(read(segment))) {
      if (kind === 'record' && sequence > this.#acknowledged) yield { sequence, payload };
      else if (sequence <= this.#acknowledged && kind === 'record') segment.head = from + end;
    }
  }
}

/** Unreadable bytes count as damaged ones. */
function read(segment: Segment): Buffer {
  try {
    return readSegment(segment);
  } catch {
    return Buffer.alloc(0);
  }
}
