/**
 * A tracefs instance of our own, which disturbs no other tracing. It records the events that a filter in the kernel
 * passes, until they are read (ftrace.rst, events.rst and kprobetrace.rst of the kernel's documentation).
 */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmdirSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { cpus, freemem } from 'node:os';
import { join } from 'node:path';
import { errorCode } from '../errors.ts';
import { procText } from '../process/proc.ts';

/** Prefix of all our names in tracefs, by which we find the leftovers of a killed process. */
const OURS = 'holdfast';
/** Bytes a CPU of a new instance's buffers, before they can be made smaller. */
const FIRST_BUFFER = 1_441_792;
/** The share of free memory that the buffers may take. */
const MOST_MEMORY = 0.02;

/** One recorded event. */
export interface TraceRecord {
  /** The thread's number in the kernel's first PID namespace, and its comm, which may hold any bytes. */
  readonly thread: number;
  readonly comm: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** `sys_renameat2`, `sched_process_fork`, or a kprobe's name. */
  readonly event: string;
  readonly text: string;
}

/**
 * The place where tracefs is mounted and writable, or why it cannot be used. We never mount it. In the service's
 * sandbox only the needed parts are writable: each is a mount of its own.
 */
export function findTracefs(): { readonly folder: string } | { readonly reason: string } {
  // proc_pid_mountinfo(5): field 4 is the mounted part, field 5 the mount point; the type follows " - ".
  const mounts = procText('self', 'mountinfo').matchAll(/^(?:\S+ ){3}\/ (\S+) .*- tracefs /gm);
  const folders = [...mounts].map(([, folder]) => folder!);
  const folder = folders.find((one) => isWritable(join(one, 'instances')));
  if (folder !== undefined) return { folder };
  if (folders.length === 0) return { reason: 'tracefs is not mounted here' };
  return { reason: process.geteuid?.() === 0 ? 'tracefs is read-only here' : 'only root may write to tracefs' };
}

/** As `findTracefs`, where kprobes can be defined. It makes no trial. */
export function findKprobes(): ReturnType<typeof findTracefs> {
  const found = findTracefs();
  if ('reason' in found) return found;
  try {
    accessSync(join(found.folder, 'kprobe_events'), constants.W_OK);
    return found;
  } catch (error) {
    return { reason: errorCode(error) === 'ENOENT' ? 'this kernel has no kprobes' : 'tracefs is not ours to write' };
  }
}

/** Removes instances and kprobes that a killed process left. The kernel keeps those in use. Never throws. */
export function removeStale(tracefs: string): void {
  for (const name of list(join(tracefs, 'instances'))) {
    if (name.startsWith(`${OURS}-`)) attempt(() => rmdirSync(join(tracefs, 'instances', name)));
  }
  for (const name of list(join(tracefs, 'events', OURS))) removeKprobe(tracefs, name);
}

/**
 * Defines a kprobe for all instances, at a function's entry or return. `what` is the function and its arguments
 * (kprobetrace.rst). Throws if the kernel has no such function.
 */
export function addKprobe(tracefs: string, name: string, what: string, at: 'entry' | 'return' = 'entry'): void {
  if (existsSync(join(tracefs, 'events', OURS, name))) return;
  const kind = at === 'entry' ? 'p' : 'r';
  // Opened to append: opening it to write would remove every program's kprobes.
  writeFileSync(join(tracefs, 'kprobe_events'), `${kind}:${OURS}/${name} ${what}\n`, { flag: 'a' });
}

export function removeKprobe(tracefs: string, name: string): void {
  attempt(() => writeFileSync(join(tracefs, 'kprobe_events'), `-:${OURS}/${name}\n`, { flag: 'a' }));
}

export class TraceInstance {
  readonly #folder: string;
  /** Stays open, so that no other process takes the instance for a leftover. */
  readonly #marker: number;
  /** Decodes the bytes that `take` reads. */
  #pipe: number | null = null;
  /** The start of a line whose end has not been read yet. */
  #begun = '';

  /**
   * @param kilobytes of buffer a CPU; the oldest records make room. Throws if the kernel refuses, or memory is short.
   */
  constructor(tracefs: string, name: string, kilobytes: number) {
    if (cpus().length * FIRST_BUFFER > freemem() * MOST_MEMORY) throw new Error('memory is short');
    this.#folder = join(tracefs, 'instances', `${OURS}-${name}`);
    mkdirSync(this.#folder);
    this.#marker = openSync(join(this.#folder, 'trace_marker'), 'w');
    try {
      this.#write('buffer_size_kb', String(kilobytes));
      this.#write('trace_clock', 'mono');
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Records an event (`syscalls/sys_enter_rename`, or one of our kprobes by name) if it passes the filter, if any. */
  enable(event: string, filter?: string): void {
    const folder = join('events', event.includes('/') ? event : `${OURS}/${event}`);
    if (filter !== undefined) this.#write(join(folder, 'filter'), filter);
    this.#write(join(folder, 'enable'), '1');
  }

  /** The records since the last emptying, oldest first. `self` is our own thread by the kernel's number. */
  read(): { readonly records: TraceRecord[]; readonly self: number } {
    writeSync(this.#marker, OURS);
    const now = Date.now(); // Before the read, which takes time.
    return parseTrace(readFileSync(join(this.#folder, 'trace'), 'latin1'), now);
  }

  /**
   * Takes the records since the last call, at most `TAKEN` bytes of text at a time. Never waits: without records it
   * costs one system call. Do not mix with `read` of the same instance.
   */
  take(): Taken {
    this.#pipe ??= openSync(join(this.#folder, 'trace_pipe'), constants.O_RDONLY | constants.O_NONBLOCK);
    const parts: Buffer[] = [];
    for (let taken = 0; taken < TAKEN; ) {
      const part = readAvailable(this.#pipe);
      if (part === null) break;
      parts.push(part);
      taken += part.length;
    }
    // trace_clock `mono` is the clock that Node's hrtime reads.
    const sinceBoot = Number(process.hrtime.bigint()) / 1e6;
    const text = this.#begun + Buffer.concat(parts).toString('latin1');
    const end = text.lastIndexOf('\n') + 1;
    this.#begun = text.slice(end);
    return parsePipe(text.slice(0, end), Date.now() - sinceBoot);
  }

  empty(): void {
    attempt(() => this.#write('trace', ''));
  }

  close(): void {
    if (this.#pipe !== null) closeSync(this.#pipe);
    closeSync(this.#marker);
    attempt(() => rmdirSync(this.#folder));
  }

  #write(file: string, text: string): void {
    writeFileSync(join(this.#folder, file), text, { flag: file === 'trace' ? 'w' : 'r+' });
  }
}

/** Records taken from an instance, and how many were overwritten before we could read them. */
export interface Taken {
  readonly records: TraceRecord[];
  readonly lost: number;
}

/** Bytes of text: far more than our buffers hold. */
const TAKEN = 4 << 20;
const chunk = Buffer.alloc(64 << 10);

/** null if there is nothing to read now. */
function readAvailable(fd: number): Buffer | null {
  try {
    const length = readSync(fd, chunk);
    return length === 0 ? null : Buffer.from(chunk.subarray(0, length));
  } catch (error) {
    if (errorCode(error) === 'EAGAIN') return null;
    throw error;
  }
}

/**
 * `          cp-18047   [001] ..... 14167.466290: sys_openat(dfd: …`. A comm of 15 bytes is too short to imitate such a
 * line.
 */
const LINE = /^ *(.{0,16}?)-(\d+) +(?:\([ \d-]*\) +)?\[\d+\] +\S+ +(\d+)\.(\d{6}): (\w+)(.*)$/;

/**
 * `CPU:1 [LOST 12 EVENTS]`, or `[LOST EVENTS]` if the kernel does not know how many. A comm is too short to imitate
 * either.
 */
const LOST = /^CPU:\d+ \[LOST(?: (\d+))? EVENTS\]$/;

/** `boot`: milliseconds since the epoch at which the kernel's clock was 0. */
export function parsePipe(text: string, boot: number): Taken {
  const records: TraceRecord[] = [];
  let lost = 0;
  for (const line of text.split('\n')) {
    const [, comm, thread, seconds, micros, event, rest] = LINE.exec(line) ?? [];
    const [missing, count = '1'] = LOST.exec(line) ?? [];
    if (missing !== undefined) lost += Number(count);
    if (comm === undefined) continue;
    const time = boot + Number(seconds) * 1000 + Number(micros) / 1000;
    records.push({ thread: Number(thread), comm, time, event: event!, text: rest! });
  }
  return { records, lost };
}

/** `now`: milliseconds since the epoch at which we wrote our last mark. The mark relates the kernel's clock to ours. */
export function parseTrace(text: string, now: number): { records: TraceRecord[]; self: number } {
  const records: TraceRecord[] = [];
  let mark: TraceRecord | null = null;
  for (const line of text.split('\n')) {
    const [, comm, thread, seconds, micros, event, rest] = LINE.exec(line) ?? [];
    if (comm === undefined) continue;
    const time = Number(seconds) * 1000 + Number(micros) / 1000;
    const record = { thread: Number(thread), comm, time, event: event!, text: rest! };
    if (event === 'tracing_mark_write') mark = rest === `: ${OURS}` ? record : mark;
    else records.push(record);
  }
  if (mark === null) return { records: [], self: 0 };
  const { time: marked, thread: self } = mark;
  return { records: records.map((record) => ({ ...record, time: now - (marked - record.time) })), self };
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // There are none of ours, or we may not see them.
  }
}

function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // It is already gone, or another program reads it.
  }
}
