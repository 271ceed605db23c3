/**
 * The frames of all open chunks, in order of arrival, so that a restart finds them. The entries of many hosts share one row of
 * the store.
 *
 *     entry = varint(host) varint(kind) varint(when it came); but for CLOSED also: varint(length) frame
 */
import type { HostState } from '../hosts/host-state.ts';
import { Bytes, BytesReader } from '../series/value-frames.ts';

const FRAME = 0;
const OPENED = 1;
const CLOSED = 2;

/** The open row. */
export class ChunkJournal {
  readonly #entries = new Bytes(65_536);
  #number: number;

  constructor(number: number) {
    this.#number = number;
  }

  /** The row's number in the store. */
  get number(): number {
    return this.#number;
  }

  /** The size in bytes. */
  get length(): number {
    return this.#entries.length;
  }

  /** The bytes, valid until the next write. */
  view(): Buffer {
    return this.#entries.view();
  }

  /** Begins the next row after this one was stored. */
  stored(): void {
    if (this.#entries.length > 0) this.#number += 1;
    this.#entries.clear();
  }

  /** Adds a frame. `opens`: the frame is the first of its chunk. */
  frame(host: HostState, frame: Buffer, opens: boolean, now: number): void {
    this.#entry(host, opens ? OPENED : FRAME, now);
    this.#entries.varint(frame.length);
    this.#entries.append(frame);
  }

  /** Notes that the chunk is complete and that no new one is open. */
  closed(host: HostState, now: number): void {
    this.#entry(host, CLOSED, now);
  }

  #entry(host: HostState, kind: number, now: number): void {
    this.#entries.varint(host.id);
    this.#entries.varint(kind);
    this.#entries.varint(now);
  }
}

/**
 * Gives each host its entries from a stored row; entries of forgotten hosts are skipped. A host whose entry is broken
 * loses its open chunk, and the other hosts lose nothing. Throws at the end if anything was broken.
 */
export function replay(number: number, entries: Uint8Array, hostOf: (id: number) => HostState | undefined): void {
  const reader = new BytesReader(entries);
  const failures: unknown[] = [];
  while (!reader.done) {
    const host = hostOf(reader.varint());
    const kind = reader.varint();
    const now = reader.varint();
    if (kind === CLOSED) {
      host?.close();
      continue;
    }
    const frame = reader.take(reader.varint());
    try {
      host?.replay(frame, kind === OPENED, number, now);
    } catch (error) {
      // Each frame counts from the previous frame, so the following frames would have wrong times.
      host?.close();
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
