/**
 * Records which threads opened a file for writing, renamed, linked, truncated or removed it, by the file's name.
 *
 * Kprobes are used if the kernel has them: they cost only when a file is opened, renamed or removed. Otherwise the
 * tracepoints of those system calls are used, whose filters read the name from the caller's memory (`.ustring`, Linux
 * 5.18). While such a tracepoint is enabled, every system call of every process takes the kernel's slow path; 32-bit
 * programs are not seen.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { errorMessage } from '../errors.ts';
import { addKprobe, findTracefs, removeKprobe, removeStale, TraceInstance, type TraceRecord } from './tracefs.ts';

export type Means = 'kprobes' | 'system calls';

/**
 * O_WRONLY, O_RDWR and O_TRUNC of open(2), on every architecture that Node runs on. Tested first, because it is the
 * cheapest.
 */
const FOR_WRITING = 'flags & 0x203';

/**
 * A `struct filename` begins with a pointer to the name. Before Linux 5.11 (later for renames) the argument was the
 * caller's own pointer. We read the name both ways; the wrong way gives an empty name.
 */
const taken = (name: string, arg: number) => `${name}=+0(+0($arg${arg})):string u${name}=+0($arg${arg}):ustring`;

interface Point {
  readonly where: string;
  readonly names: readonly string[];
  readonly condition?: string;
}

const KPROBES: Readonly<Record<string, Point>> = {
  open: {
    where: 'do_filp_open name=+0(+0($arg2)):string flags=+0($arg3):x32',
    names: ['name'],
    condition: FOR_WRITING,
  },
  rename: { where: `do_renameat2 ${taken('old', 2)} ${taken('new', 4)}`, names: ['old', 'uold', 'new', 'unew'] },
  unlink: { where: `do_unlinkat ${taken('name', 2)}`, names: ['name', 'uname'] },
  link: { where: `do_linkat ${taken('name', 4)}`, names: ['name', 'uname'] },
  symlink: { where: `do_symlinkat ${taken('name', 3)}`, names: ['name', 'uname'] },
  truncate: { where: 'do_sys_truncate name=+0($arg1):ustring', names: ['name'] },
};
/** Without these two most writers would not be seen. */
const NEEDED = ['open', 'rename'];

const SYSCALLS: Readonly<Record<string, Omit<Point, 'where'>>> = {
  open: { names: ['filename'], condition: FOR_WRITING },
  openat: { names: ['filename'], condition: FOR_WRITING },
  openat2: { names: ['filename'] },
  creat: { names: ['pathname'] },
  truncate: { names: ['path'] },
  rename: { names: ['oldname', 'newname'] },
  renameat: { names: ['oldname', 'newname'] },
  renameat2: { names: ['oldname', 'newname'] },
  unlink: { names: ['pathname'] },
  unlinkat: { names: ['pathname'] },
  link: { names: ['newname'] },
  linkat: { names: ['newname'] },
  symlink: { names: ['newname'] },
  symlinkat: { names: ['newname'] },
};

/** Kilobytes a CPU. 200 records of files fit, and 900 records of started processes. */
const BUFFER = 16;
const STARTS_BUFFER = 64;

export type Offer =
  | { readonly means: Means /** Why the better means is not available. */; readonly reason: string | null }
  | { readonly means: null; readonly reason: string };

/** The means that this kernel offers, as far as we can tell without a trial. */
export function offered(): Offer {
  const found = findTracefs();
  if ('reason' in found) return { means: null, reason: found.reason };
  if (existsSync(join(found.folder, 'kprobe_events'))) return { means: 'kprobes', reason: null };
  const none = 'this kernel has no kprobes';
  if (existsSync(join(found.folder, 'events/syscalls/sys_enter_openat')))
    return { means: 'system calls', reason: none };
  return { means: null, reason: `${none} and no tracepoints of system calls` };
}

/** Removes traces that a killed process left: they go on recording, and no program reads them. */
export function removeStaleTraces(): void {
  const found = findTracefs();
  if ('folder' in found) removeStale(found.folder);
}

/** All traces of this process. The first `watch` makes them; `close` removes them, kprobes included. */
export class FileTraces {
  readonly #tracefs: string;
  readonly #files = new Map<string, TraceInstance>();
  #starts: TraceInstance | null = null;
  readonly means: Means;

  /** Throws an Error with a short reason if this host cannot trace files. Removes the traces of a killed process. */
  constructor() {
    const found = findTracefs();
    if ('reason' in found) throw new Error(found.reason);
    this.#tracefs = found.folder;
    removeStale(this.#tracefs);
    this.means = this.#defineKprobes() ? 'kprobes' : 'system calls';
    if (this.means === 'system calls' && !existsSync(join(this.#tracefs, 'events/syscalls'))) {
      throw new Error('this kernel has neither kprobes nor tracepoints of system calls');
    }
  }

  /**
   * Begins to record the threads that touch a file under one of these names. Does nothing if recording already runs.
   * Throws.
   */
  begin(key: string, paths: readonly string[]): void {
    if (this.#files.has(key)) return;
    if (paths.some((path) => /["*?[\\]/.test(path))) throw new Error('the kernel cannot look for a name like that');
    const instance = this.#makeInstance(key.replaceAll('/', '-').slice(1), BUFFER);
    try {
      if (this.means === 'kprobes' && this.#defineKprobes()) this.#watchKprobes(instance, paths);
      else this.#watchSyscalls(instance, paths);
      this.#starts ??= this.#watchStarts();
    } catch (error) {
      instance.close();
      throw new Error(`the kernel refuses to watch it (${errorMessage(error)})`);
    }
    this.#files.set(key, instance);
  }

  /** The threads that touched the file since the last call; for `self` see TraceInstance. Throws if tracefs is gone. */
  take(key: string): { readonly records: readonly TraceRecord[]; readonly self: number } {
    const instance = this.#files.get(key)!;
    const { records, self } = instance.read();
    instance.empty();
    return { records: records.filter(({ thread }) => thread !== self), self };
  }

  /** By the number of a thread or process that started recently: the thread that started it. */
  starters(): Map<number, { readonly thread: number; readonly comm: string }> {
    const { records } = this.#starts?.read() ?? { records: [] };
    const found = new Map<number, { thread: number; comm: string }>();
    for (const { thread, comm, text } of records) {
      const child = / child_comm=.* child_pid=(\d+)$/.exec(text)?.[1]; // Both fields together, because a comm may contain either name.
      if (child !== undefined) found.set(Number(child), { thread, comm });
    }
    return found;
  }

  end(key: string): void {
    this.#files.get(key)?.close();
    this.#files.delete(key);
    if (this.#files.size > 0) return;
    this.#starts?.close();
    this.#starts = null;
  }

  close(): void {
    for (const key of this.#files.keys()) this.end(key);
    for (const name of Object.keys(KPROBES)) removeKprobe(this.#tracefs, name);
  }

  #defineKprobes(): boolean {
    if (!existsSync(join(this.#tracefs, 'kprobe_events'))) return false;
    for (const [name, { where }] of Object.entries(KPROBES)) {
      try {
        addKprobe(this.#tracefs, name, where);
      } catch {
        // This kernel lacks the function, or its kprobes know no $arg: fewer writers are seen in that case.
        if (NEEDED.includes(name)) return false;
      }
    }
    return true;
  }

  #watchKprobes(instance: TraceInstance, paths: readonly string[]): void {
    for (const [name, { names, condition }] of Object.entries(KPROBES)) {
      if (existsSync(join(this.#tracefs, 'events/holdfast', name)))
        instance.enable(name, filter(names, paths, condition));
    }
  }

  #watchSyscalls(instance: TraceInstance, paths: readonly string[]): void {
    for (const [name, { names, condition }] of Object.entries(SYSCALLS)) {
      const event = `syscalls/sys_enter_${name}`;
      if (!existsSync(join(this.#tracefs, 'events', event))) continue; // arm64 has no rename(2)
      instance.enable(
        event,
        filter(
          names.map((field) => `${field}.ustring`),
          paths,
          condition,
        ),
      );
    }
  }

  /**
   * Traces process starts, to name the parent of a process that has ended. It costs at each process start. null if the
   * kernel refuses.
   */
  #watchStarts(): TraceInstance | null {
    try {
      const instance = this.#makeInstance('starts', STARTS_BUFFER);
      instance.enable('sched/sched_process_fork');
      return instance;
    } catch {
      return null;
    }
  }

  /** The name ends in a random part, because a container's agent shares the kernel's instances with the host's agent. */
  #makeInstance(name: string, kilobytes: number): TraceInstance {
    return new TraceInstance(this.#tracefs, `${name}-${randomBytes(4).toString('hex')}`, kilobytes);
  }
}

/**
 * A filter in the kernel's own language (events.rst): it passes the paths themselves, and relative paths with the same
 * end. It rejects a name with a line break, because the printed name could pass for another record.
 */
function filter(fields: readonly string[], paths: readonly string[], condition?: string): string {
  const bases = [...new Set(paths.map((path) => basename(path)))];
  const names = fields.flatMap((field) => [
    ...paths.map((path) => `${field} == "${path}"`),
    ...bases.map((base) => `${field} == "${base}"`),
    ...bases.map((base) => `(${field} ~ "*/${base}" && !(${field} ~ "/*"))`),
  ]);
  const oneLine = fields.map((field) => `!(${field} ~ "*\n*")`);
  return [...(condition === undefined ? [] : [condition]), `(${names.join(' || ')})`, ...oneLine].join(' && ');
}
