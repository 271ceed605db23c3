/**
 * The files of one queue of the spool, `NUMBER-LEVEL.seg`. Frames are in order; LEVEL is how often the file was
 * thinned.
 */
import {
  closeSync,
  constants,
  fdatasyncSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  truncateSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { makeFolders } from '../../host/files/make-folders.ts';
import { frames } from './spool-frames.ts';

export interface Segment {
  readonly number: number;
  readonly level: number;
  readonly path: string;
  bytes: number;
  /** Sequence number of the last record; 0 if there is none. */
  last: number;
  /** Everything before this offset was delivered. */
  head: number;
}

export interface Found {
  readonly segments: Segment[];
  /** Everything up to this sequence number was delivered. */
  readonly acknowledged: number;
  /** The number of torn or damaged bytes that were cut off. */
  readonly cut: number;
}

/** Loads the segments of an earlier process: cuts torn tails and undoes an unfinished thinning. Makes the folder. */
export function openSegments(folder: string): Found {
  makeFolder(folder);
  const segments: Segment[] = [];
  let acknowledged = 0;
  let cut = 0;
  for (const { number, level, path } of namesIn(folder)) {
    const size = lstatSync(path).size;
    const segment = { number, level, path, bytes: 0, last: 0, head: 0 };
    for (const { kind, sequence, end } of frames(readSegment({ ...segment, bytes: size }))) {
      if (kind === 'ack') acknowledged = Math.max(acknowledged, sequence);
      else segment.last = sequence;
      segment.bytes = end;
    }
    if (segment.bytes < size) truncateSync(path, segment.bytes);
    cut += size - segment.bytes;
    segments.push(segment);
  }
  return { segments, acknowledged, cut };
}

/** Makes an empty segment and a descriptor to append to it. The file name survives a power cut. */
export function createSegment(folder: string, number: number): { segment: Segment; fd: number } {
  makeFolder(folder);
  const path = join(folder, nameOf(number, 0));
  const { O_WRONLY, O_CREAT, O_EXCL, O_APPEND } = constants;
  const fd = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0o600);
  syncFolder(folder);
  return { segment: { number, level: 0, path, bytes: 0, last: 0, head: 0 }, fd };
}

/** A segment's bytes, beginning at `head`. */
export function readSegment({ path, bytes, head }: Segment): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const content = Buffer.alloc(bytes - head);
    return content.subarray(0, readSync(fd, content, 0, content.length, head));
  } finally {
    closeSync(fd);
  }
}

/** Replaces a segment by `content`, one level up. A crash leaves either the old file or the new one. */
export function replaceSegment(folder: string, { number, level, path, last }: Segment, content: Buffer): Segment {
  const next = join(folder, nameOf(number, level + 1));
  const temporary = join(folder, TEMPORARY);
  const fd = openSync(temporary, 'w', 0o600);
  try {
    appendAll(fd, content);
    fdatasyncSync(fd);
    renameSync(temporary, next);
  } catch (error) {
    unlinkSync(temporary);
    throw error;
  } finally {
    closeSync(fd);
  }
  unlinkSync(path);
  return { number, level: level + 1, path: next, bytes: content.length, last, head: 0 };
}

export function removeSegment({ path }: Segment): void {
  try {
    unlinkSync(path);
  } catch {
    // The file is already gone, or the file system is read-only. A segment that stays is sent again at the next start;
    // ids show repeats.
  }
}

export function appendAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
}

const TEMPORARY = 'thinned.tmp';

function nameOf(number: number, level: number): string {
  return `${String(number).padStart(10, '0')}-${level}.seg`;
}

/** The segments in order. If a crash left two levels of one number, the higher level is complete. */
function namesIn(folder: string): { number: number; level: number; path: string }[] {
  const byNumber = new Map<number, { number: number; level: number; path: string }>();
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    const match = /^(\d{10})-(\d)\.seg$/.exec(name);
    if (name === TEMPORARY) unlinkSync(path);
    if (match === null || !lstatSync(path).isFile()) continue;
    const found = { number: Number(match[1]), level: Number(match[2]), path };
    const lower = byNumber.get(found.number);
    if (lower !== undefined) unlinkSync(lower.path);
    byNumber.set(found.number, found);
  }
  return [...byNumber.values()];
}

/** Waiting records may quote logs that only root may read, so only root may read the folder. */
function makeFolder(folder: string): void {
  makeFolders(dirname(folder), 0o755);
  makeFolders(folder, 0o700);
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } catch {
    // some file systems cannot sync a folder
  } finally {
    closeSync(fd);
  }
}
