/**
 * The records of one signal that wait for the collector, in order, on disk; in memory, bounded, for as long as the disk
 * takes none. A record is in the kernel's hands when `append` returns (a killed process loses none) and on the disk when
 * `sync` is done (a power cut loses none). It goes when it is acknowledged.
 */
import { close, closeSync, fdatasync, ftruncateSync } from 'node:fs';
import { promisify } from 'node:util';
import { errorMessage } from '../host/errors.ts';
import { frame, frames } from './frames.ts';
import {
  appendAll,
  createSegment,
  openSegments,
  readSegment,
  removeSegment,
  replaceSegment,
  type Segment,
} from './segments.ts';

export interface Entry {
  readonly sequence: number;
  readonly payload: Buffer;
}

export interface QueueOptions {
  readonly folder: string;
  /** Bytes after which a new segment is begun. */
  readonly segmentBytes: number;
  /** Bytes that may be kept in memory while the disk takes nothing. */
  readonly memoryBytes: number;
  /** What goes when memory is full: the oldest, or every second. */
  readonly overflow: 'oldest' | 'every-second';
  /** Told of records that were given up. */
  lost(reason: 'full' | 'thinned' | 'damaged', count: number): void;
  /** Told when the disk begins to refuse, and (null) when it takes records again; and of what was found damaged. */
  trouble(message: string | null): void;
}

/** A segment of every 2⁴th record is not thinned further. */
const MAX_LEVEL = 4;
const sync = promisify(fdatasync);

export class Queue {
  readonly #options: QueueOptions;
  #segments: Segment[] = [];
  /** Of the last segment, while it may be appended to. */
  #fd: number | null = null;
  #memory: Entry[] = [];
  #next = 1;
  #number = 0;
  #acknowledged = 0;
  #refused = false;
  #dirty = false;
  #syncing: Promise<void> | null = null;

  /** Never throws: a folder that cannot be used is told as trouble, and then memory must do. */
  constructor(options: QueueOptions) {
    this.#options = options;
    try {
      const { segments, acknowledged, cut } = openSegments(options.folder);
      this.#segments = segments;
      this.#number = segments.at(-1)?.number ?? 0;
      this.#acknowledged = acknowledged;
      this.#next = Math.max(acknowledged, ...segments.map(({ last }) => last)) + 1;
      if (cut > 0) options.trouble(`${cut} torn or damaged bytes were cut off in ${options.folder}`);
      this.#discardDelivered();
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** On disk. */
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

  /** The oldest, at least one where there is any: at most `records`, and no more once `bytes` are reached. */
  peek(records: number, bytes: number): Entry[] {
    const found: Entry[] = [];
    let size = 0;
    const full = () => found.length >= records || size >= bytes;
    const take = (entry: Entry) => {
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
    // Behind the last on disk: memory holds what came later.
    for (const entry of this.#memory) {
      if (full()) break;
      take(entry);
    }
    return found;
  }

  /** Everything up to this sequence number was delivered, or can never be. */
  acknowledge(sequence: number): void {
    this.#acknowledged = Math.max(this.#acknowledged, sequence);
    this.#memory = this.#memory.filter((entry) => entry.sequence > this.#acknowledged);
    this.#discardDelivered();
    if (this.#segments.every(({ bytes }) => bytes === 0)) return;
    try {
      this.#write(frame('ack', this.#acknowledged));
    } catch {
      // Then it is delivered once more after a restart, and its id tells.
    }
  }

  /** Drops every second record of one old segment; false where all are thinned as far as they go. */
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
      // The acknowledgement may have stood in this one.
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

  /** Gives up the oldest segment; false where there is none. */
  dropOldest(): boolean {
    const [segment] = this.#segments;
    if (segment === undefined) return false;
    this.#giveUp(segment, 'full');
    return true;
  }

  /** Until what was appended before is on the disk, as far as the disk takes it. */
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
      // One sync for all that came while the last was under way. Its failure is the next write's.
      if (this.#fd !== null) await sync(this.#fd).catch(() => {});
    }
    this.#syncing = null;
  }

  /** Moves what memory holds to the disk, where it takes it. */
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

  /** Takes the half of a frame away that a full disk took, lest it hide what is appended later. */
  #untear(fd: number, bytes: number): void {
    try {
      ftruncateSync(fd, bytes);
    } catch {
      this.#seal();
    }
  }

  /** Nothing more is appended to the last segment. */
  #seal(): void {
    const fd = this.#fd;
    if (fd === null) return;
    this.#fd = null;
    fdatasync(fd, () => close(fd, () => {}));
  }

  /** From the oldest on: a later one may hold nothing but acknowledgements, and they are needed. */
  #discardDelivered(): void {
    const active = this.#fd === null ? undefined : this.#segments.at(-1);
    for (let [segment] = this.#segments; segment !== undefined; [segment] = this.#segments) {
      if (segment.last > this.#acknowledged) return;
      // Emptied rather than removed: with a collector that answers, this happens at every heartbeat.
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
      // Then it is emptied the next time.
    }
  }

  #giveUp(segment: Segment, reason: 'full' | 'damaged'): void {
    this.#options.lost(reason, Math.max([...this.#waiting(segment)].length, reason === 'damaged' ? 1 : 0));
    if (segment === this.#segments.at(-1)) this.#seal();
    this.#segments = this.#segments.filter((other) => other !== segment);
    removeSegment(segment);
  }

  *#waiting(segment: Segment): Generator<Entry> {
    if (segment.last <= this.#acknowledged) return;
    const from = segment.head;
    for (const { kind, sequence, payload, end } of frames(read(segment))) {
      if (kind === 'record' && sequence > this.#acknowledged) yield { sequence, payload };
      else if (sequence <= this.#acknowledged && kind === 'record') segment.head = from + end;
    }
  }
}

/** What cannot be read is as good as damaged. */
function read(segment: Segment): Buffer {
  try {
    return readSegment(segment);
  } catch {
    return Buffer.alloc(0);
  }
}
