/**
 * An instance of tracefs of our own, which nobody else's tracing notices: events that are recorded where a filter in the
 * kernel lets them pass, until somebody reads them. (ftrace.rst, events.rst and kprobetrace.rst of the kernel's documentation)
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
import { errorCode } from './errors.ts';

/** All that is ours in tracefs begins with it: what a killed process left is known by it. */
const OURS = 'holdfast';
/** The kernel makes a new instance's buffers this large, in bytes a CPU, before they can be made smaller. */
const FIRST_BUFFER = 1_441_792;
/** That part of the memory that is free may be taken for it. */
const MOST_MEMORY = 0.02;

/** One recorded event. */
export interface TraceRecord {
  /** The thread that was at work, by its number in the kernel's first PID namespace, and its comm: may hold anything. */
  readonly thread: number;
  readonly comm: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** `sys_renameat2`, `sched_process_fork`, or a kprobe's name. */
  readonly event: string;
  readonly text: string;
}

/**
 * Where tracefs is mounted and can be written, or why it cannot be used. It is never mounted from here. In the service's
 * sandbox only what is needed of it can be written: parts of it are mounts of their own.
 */
export function findTracefs(): { readonly folder: string } | { readonly reason: string } {
  // proc_pid_mountinfo(5): which part of it, and the mount point, are fields 4 and 5, the type follows " - ".
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').matchAll(/^(?:\S+ ){3}\/ (\S+) .*- tracefs /gm);
  const folders = [...mounts].map(([, folder]) => folder!);
  const folder = folders.find((one) => isWritable(join(one, 'instances')));
  if (folder !== undefined) return { folder };
  return { reason: folders.length > 0 ? 'tracefs is read-only here' : 'tracefs is not mounted here' };
}

/** Instances and kprobes that a killed process left: the kernel keeps those that are in use. Never throws. */
export function removeStale(tracefs: string): void {
  for (const name of list(join(tracefs, 'instances'))) {
    if (name.startsWith(`${OURS}-`)) attempt(() => rmdirSync(join(tracefs, 'instances', name)));
  }
  for (const name of list(join(tracefs, 'events', OURS))) removeKprobe(tracefs, name);
}

/**
 * Defines a kprobe for all instances, where the function is entered or where it returns. `what`: function and arguments
 * (kprobetrace.rst). Throws where the kernel has none such.
 */
export function addKprobe(tracefs: string, name: string, what: string, at: 'entry' | 'return' = 'entry'): void {
  if (existsSync(join(tracefs, 'events', OURS, name))) return;
  const kind = at === 'entry' ? 'p' : 'r';
  // Only ever appended to: opened for a new content it would forget everybody's.
  writeFileSync(join(tracefs, 'kprobe_events'), `${kind}:${OURS}/${name} ${what}\n`, { flag: 'a' });
}

export function removeKprobe(tracefs: string, name: string): void {
  attempt(() => writeFileSync(join(tracefs, 'kprobe_events'), `-:${OURS}/${name}\n`, { flag: 'a' }));
}

export class TraceInstance {
  readonly #folder: string;
  /** Open as long as this lives: nobody can take the instance for one that was left. */
  readonly #marker: number;
  /** Of what is taken. */
  #pipe: number | null = null;
  /** The beginning of a line whose end has not been taken yet. */
  #begun = '';

  /** @param kilobytes of its buffer, a CPU; the oldest records make room. Throws where the kernel refuses, or memory is short. */
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

  /** Records an event (`syscalls/sys_enter_rename`, or the name of a kprobe of ours) where the filter, if any, lets it pass. */
  enable(event: string, filter?: string): void {
    const folder = join('events', event.includes('/') ? event : `${OURS}/${event}`);
    if (filter !== undefined) this.#write(join(folder, 'filter'), filter);
    this.#write(join(folder, 'enable'), '1');
  }

  /** What was recorded since it was last emptied, oldest first; `self`: our own thread, by the kernel's number. */
  read(): { readonly records: TraceRecord[]; readonly self: number } {
    writeSync(this.#marker, OURS);
    const now = Date.now(); // to read takes its time
    return parseTrace(readFileSync(join(this.#folder, 'trace'), 'latin1'), now);
  }

  /**
   * Takes out what was recorded since this was last called, at a time not more than `TAKEN` bytes of text, and never waits: where
   * there is nothing it costs one system call. Not to be mixed with `read` of the same instance.
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

/** What was taken out of an instance, and how many records were overwritten before. */
export interface Taken {
  readonly records: TraceRecord[];
  readonly lost: number;
}

/** Bytes of text: far more than any buffer of ours holds. */
const TAKEN = 4 << 20;
const chunk = Buffer.alloc(64 << 10);

/** null: there is nothing now. */
function readAvailable(fd: number): Buffer | null {
  try {
    const length = readSync(fd, chunk);
    return length === 0 ? null : Buffer.from(chunk.subarray(0, length));
  } catch (error) {
    if (errorCode(error) === 'EAGAIN') return null;
    throw error;
  }
}

/** `          cp-18047   [001] ..... 14167.466290: sys_openat(dfd: …`. A comm of 15 bytes is too short to pass for all this. */
const LINE = /^ *(.{0,16}?)-(\d+) +(?:\([ \d-]*\) +)?\[\d+\] +\S+ +(\d+)\.(\d{6}): (\w+)(.*)$/;

/** `CPU:1 [LOST 12 EVENTS]`, in which the kernel is less sure in the form `[LOST EVENTS]`. A comm is too short for either. */
const LOST = /^CPU:\d+ \[LOST(?: (\d+))? EVENTS\]$/;

/** `boot`: when the kernel's clock was 0, in milliseconds since the epoch. */
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

/** `now`: when our own mark, the last one, was written, in milliseconds since the epoch: it tells what the kernel's clock means. */
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
    return []; // none of ours, or not for us to see
  }
}

function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // it is gone already, or somebody reads it
  }
}
