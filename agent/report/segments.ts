/** The files of one queue of the spool, `NUMBER-LEVEL.seg`: frames in the order of their numbers; LEVEL: how often it was thinned. */
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
import { makeFolders } from '../host/make-folders.ts';
import { frames } from './frames.ts';

export interface Segment {
  readonly number: number;
  readonly level: number;
  readonly path: string;
  bytes: number;
  /** Sequence number of its last record; 0: it has none. */
  last: number;
  /** Offset before which all was delivered. */
  head: number;
}

export interface Found {
  readonly segments: Segment[];
  /** Sequence number up to which all was delivered. */
  readonly acknowledged: number;
  /** Bytes that were torn or damaged, and cut off. */
  readonly cut: number;
}

/** What an earlier process left, whole: torn tails are cut, halves of a thinning undone. Makes the folder. */
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

/** A new, empty segment and a descriptor to append to it; its name survives a power cut. */
export function createSegment(folder: string, number: number): { segment: Segment; fd: number } {
  makeFolder(folder);
  const path = join(folder, nameOf(number, 0));
  const { O_WRONLY, O_CREAT, O_EXCL, O_APPEND } = constants;
  const fd = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0o600);
  syncFolder(folder);
  return { segment: { number, level: 0, path, bytes: 0, last: 0, head: 0 }, fd };
}

/** A segment's bytes from `head` on. */
export function readSegment({ path, bytes, head }: Segment): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const content = Buffer.alloc(bytes - head);
    return content.subarray(0, readSync(fd, content, 0, content.length, head));
  } finally {
    closeSync(fd);
  }
}

/** Puts `content` in a segment's place, one level up; a crash leaves the old one or the new one. */
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
    // Somebody tidied up, or the file system is read-only: then it comes again at the next start, and ids tell repeats.
  }
}

export function appendAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
}

const TEMPORARY = 'thinned.tmp';

function nameOf(number: number, level: number): string {
  return `${String(number).padStart(10, '0')}-${level}.seg`;
}

/** In order. Of one number the highest level is whole: a crash came before the lower was removed. */
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

/** What waits may quote logs that not everybody may read. */
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
