/**
 * An instance of tracefs of our own, which nobody else's tracing notices: events that are recorded where a filter in the
 * kernel lets them pass, until somebody reads them. (ftrace.rst, events.rst and kprobetrace.rst of the kernel's documentation)
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { cpus, freemem } from 'node:os';
import { join } from 'node:path';

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

/** Where tracefs is mounted and can be written, or why it cannot be used. It is never mounted from here. */
export function findTracefs(): { readonly folder: string } | { readonly reason: string } {
  // proc_pid_mountinfo(5): the mount point and its options are fields 5 and 6, the type follows " - ".
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').matchAll(/^(?:\S+ ){4}(\S+) (\S+) .*- tracefs /gm);
  const all = [...mounts];
  const [mount] = all.filter(([, , options]) => options!.split(',').includes('rw'));
  if (mount !== undefined) return { folder: mount[1]! };
  return { reason: all.length > 0 ? 'tracefs is read-only here' : 'tracefs is not mounted here' };
}

/** Instances and kprobes that a killed process left: the kernel keeps those that are in use. Never throws. */
export function removeStale(tracefs: string): void {
  for (const name of list(join(tracefs, 'instances'))) {
    if (name.startsWith(`${OURS}-`)) attempt(() => rmdirSync(join(tracefs, 'instances', name)));
  }
  for (const name of list(join(tracefs, 'events', OURS))) removeKprobe(tracefs, name);
}

/** Defines a kprobe for all instances. `what`: function and arguments (kprobetrace.rst). Throws where the kernel has none such. */
export function addKprobe(tracefs: string, name: string, what: string): void {
  if (existsSync(join(tracefs, 'events', OURS, name))) return;
  // Only ever appended to: opened for a new content it would forget everybody's.
  writeFileSync(join(tracefs, 'kprobe_events'), `p:${OURS}/${name} ${what}\n`, { flag: 'a' });
}

export function removeKprobe(tracefs: string, name: string): void {
  attempt(() => writeFileSync(join(tracefs, 'kprobe_events'), `-:${OURS}/${name}\n`, { flag: 'a' }));
}

export class TraceInstance {
  readonly #folder: string;
  /** Open as long as this lives: nobody can take the instance for one that was left. */
  readonly #marker: number;

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

  empty(): void {
    attempt(() => this.#write('trace', ''));
  }

  close(): void {
    closeSync(this.#marker);
    attempt(() => rmdirSync(this.#folder));
  }

  #write(file: string, text: string): void {
    writeFileSync(join(this.#folder, file), text, { flag: file === 'trace' ? 'w' : 'r+' });
  }
}

/** `          cp-18047   [001] ..... 14167.466290: sys_openat(dfd: …`. A comm of 15 bytes is too short to pass for all this. */
const LINE = /^ *(.{0,16}?)-(\d+) +(?:\([ \d-]*\) +)?\[\d+\] +\S+ +(\d+)\.(\d{6}): (\w+)(.*)$/;

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
