/**
 * Finds the process that changed a kept artifact, by the kernel's tracing. Only artifacts that drifted once are
 * watched, and only for a while: watching costs a little, and most hosts never need it.
 */
import { dirname } from 'node:path';
import type { SampleAttributes } from '../../../probes/probe.ts';
import { visible } from '../../config/config-error.ts';
import { withoutSecrets } from '../../config/sysctl/secret-sysctls.ts';
import { traitsOf } from '../../hold/finding-kinds.ts';
import type { Finding } from '../../hold/resource.ts';
import { errorMessage } from '../../host/errors.ts';
import { type Host, notOfTheseFiles } from '../../host/host.ts';
import { type ProcessDetails, processAt, seesFolder, sharesNetwork } from '../../host/process/details.ts';
import { FileTraces, type Means, offered, removeStaleTraces } from '../../host/trace/file-traces.ts';
import type { TraceRecord } from '../../host/trace/tracefs.ts';

/**
 * Milliseconds of watching after the last drift. Tracing system calls slows each of them a little, so that time is
 * shorter.
 */
const WATCHED: Readonly<Record<Means, number>> = { kprobes: 24 * 3_600_000, 'system calls': 3_600_000 };
const MOST_WATCHED = 8;
/** Milliseconds between the kernel's record and the file's time stamp: one tick, and our clock's error. */
const SLACK = 50;
/** The most milliseconds from opening a file to its last write. */
const LONGEST_WRITE = 10_000;
/** The most milliseconds between the change of a sysctl and our look: a sysctl has no time stamp. */
const LONGEST_UNSEEN = 60_000;
/** Limits against a flood: sights that are remembered, and processes looked up in /proc at a time. */
const MOST_SIGHTS = 32;
const MOST_LOOKED_UP = 8;
const LONGEST_CHAIN = 4;
const LONGEST_COMMAND = 160;

/** Begins the name of a program that is only a likely culprit. */
export const PERHAPS = 'perhaps ';

/** `by` names the process; null if unknown, for the reason in `why`. */
export interface Testimony {
  readonly by: string | null;
  readonly why: string;
  readonly attributes: SampleAttributes;
}

/** One touch of the file by a process, with its details from the time when the record was read. */
interface Sight {
  readonly time: number;
  /** True if the process replaced or removed the file. False if it opened the file, and may have written later. */
  readonly byName: boolean;
  readonly thread: number;
  readonly name: string;
  readonly attributes: SampleAttributes;
}

export class Witness {
  readonly #host: Host;
  readonly #ours: boolean;
  #traces: FileTraces | null = null;
  /** Why the kernel refused to trace; null if the kernel did not refuse. */
  #refused: string | null = null;
  readonly #sights = new Map<string, Sight[]>();
  readonly #ends = new Map<string, NodeJS.Timeout>();
  /**
   * In a PID namespace the kernel's process numbers differ from those in our /proc, so a process of the same kernel
   * that touches its own file of that name cannot be told apart.
   */
  #seesOthers = false;

  constructor(host: Host) {
    this.#host = host;
    this.#ours = host.live && host.root === '/';
    if (this.#ours) removeStaleTraces();
  }

  /** Returns the process that made the last change. Never throws. */
  ask(finding: Finding): Testimony {
    const path = tracedPath(finding);
    if (path === null) return unknown('only changes of files and sysctls can be traced');
    if (!this.#ends.has(path)) return unknown(this.#refused ?? this.#unwatched());
    try {
      const isSysctl = finding.kind === 'sysctl';
      const sights = this.#look(path, isSysctl);
      const suspects = isSysctl ? recent(sights) : fitting(sights, this.#changedAt(path));
      if (suspects.length === 0) return unknown('the kernel saw no program open, rename or remove it');
      return this.#seesOthers ? hearsay(testimony(suspects)) : testimony(suspects);
    } catch (error) {
      return unknown(errorMessage(error));
    }
  }

  /**
   * Watches a drifted artifact for a while. The kernel takes up to 0.1 s for the first watch, so heal the artifact
   * before this call. Never throws.
   */
  watch(finding: Finding): void {
    const path = tracedPath(finding);
    if (path === null) return;
    this.#sights.delete(path);
    if (!this.#ends.has(path) && !this.#begin(path)) return;
    clearTimeout(this.#ends.get(path));
    const end = setTimeout(() => this.#end(path), WATCHED[this.#traces!.means]);
    this.#ends.set(path, end.unref());
  }

  close(): void {
    for (const timer of this.#ends.values()) clearTimeout(timer);
    this.#ends.clear();
    this.#sights.clear();
    this.#traces?.close();
    this.#traces = null;
  }

  #unwatched(): string {
    if (!this.#ours) return notOfTheseFiles();
    const { means, reason } = offered();
    return means === null ? reason : 'it was not traced yet; the next change will be';
  }

  #begin(path: string): boolean {
    if (!this.#ours) return false;
    if (this.#ends.size >= MOST_WATCHED) this.#end(this.#ends.keys().next().value!);
    try {
      this.#traces ??= new FileTraces();
      this.#traces.begin(path, [...new Set([path, this.#host.target(path)])]);
      this.#refused = null;
      return true;
    } catch (error) {
      this.#refused = errorMessage(error);
      if (this.#ends.size === 0) this.close();
      return false;
    }
  }

  #end(path: string): void {
    clearTimeout(this.#ends.get(path));
    this.#ends.delete(path);
    this.#sights.delete(path);
    this.#traces?.end(path);
    if (this.#ends.size === 0) this.close();
  }

  #look(path: string, isSysctl: boolean): readonly Sight[] {
    const { records, self } = this.#traces!.take(path);
    const found = lastOfEach(records).slice(-MOST_LOOKED_UP);
    const lookUp = self === process.pid;
    this.#seesOthers = !lookUp;
    const starters = lookUp && found.length > 0 ? this.#traces!.starters() : new Map();
    const seen = found
      .map((record) => sightOf(record, lookUp, starters, path, isSysctl))
      .filter((sight) => sight !== null);
    const all = [...(this.#sights.get(path) ?? []), ...seen].slice(-MOST_SIGHTS);
    this.#sights.set(path, all);
    return all;
  }

  /**
   * When the path changed, in milliseconds since the epoch. The time is that of the file, of its link's target, or of
   * its folder if the file is gone.
   */
  #changedAt(path: string): number {
    const link = this.#host.lstat(path);
    if (link !== null) return Math.max(link.ctimeMs, this.#host.stat(path)?.ctimeMs ?? 0);
    return this.#host.stat(dirname(path))?.mtimeMs ?? 0;
  }
}

function tracedPath(finding: Finding): string | null {
  return traitsOf(finding).tracedPath?.(finding.key) ?? null;
}

function unknown(why: string): Testimony {
  return { by: null, why, attributes: {} };
}

/** The testimony as it counts in a container, where other containers share the kernel. */
function hearsay({ by, ...rest }: Testimony): Testimony {
  return { ...rest, by: `${PERHAPS}${by}, which may belong to another container of this kernel` };
}

function testimony(suspects: readonly Sight[]): Testimony {
  const [only] = suspects;
  if (suspects.length === 1) return { by: only!.name, why: '', attributes: only!.attributes };
  return { by: `one of: ${suspects.map(({ name }) => name).join('; ')}`, why: '', attributes: {} };
}

/**
 * The process that replaced or removed the file at the time of its change; otherwise the processes that had opened it
 * shortly before.
 */
function fitting(sights: readonly Sight[], changed: number): Sight[] {
  const away = ({ time }: Sight) => Math.abs(time - changed);
  const [exact] = sights.filter((sight) => sight.byName && away(sight) <= SLACK).sort((a, b) => away(a) - away(b));
  if (exact !== undefined) return [exact];
  return lastOfEach(sights.filter(({ time }) => time <= changed + SLACK && time >= changed - LONGEST_WRITE)).slice(-3);
}

function recent(sights: readonly Sight[]): Sight[] {
  const from = Date.now() - LONGEST_UNSEEN;
  return lastOfEach(sights.filter(({ time }) => time >= from)).slice(-3);
}

function lastOfEach<T extends { readonly thread: number }>(all: readonly T[]): T[] {
  return all.filter(({ thread }, index) => !all.slice(index + 1).some((later) => later.thread === thread));
}

type Starters = ReadonlyMap<number, { readonly thread: number; readonly comm: string }>;

/** null if the process touched another file of that name, or another network namespace's sysctl. */
function sightOf(
  { thread, comm, time, event }: TraceRecord,
  lookUp: boolean,
  starters: Starters,
  path: string,
  isSysctl: boolean,
): Sight | null {
  const byName = /rename|link/.test(event);
  const details = lookUp ? processAt(thread, time) : null;
  if (details !== null && !(isSysctl ? sharesNetwork(details.pid) : seesFolder(details.pid, dirname(path))))
    return null;
  if (details === null) {
    const name = `${label(comm, thread)}${lookUp ? `, which has ended${chain(thread, starters, time)}` : ''}`;
    return {
      time,
      byName,
      thread,
      name,
      attributes: { 'process.pid': thread, 'process.executable.name': visible(comm) },
    };
  }
  const parent = processAt(details.parent, time);
  const by = parent === null ? [] : [`started by ${label(parent.comm, parent.pid)}`];
  const name = `${label(details.comm, details.pid)} (${[...facts(details), ...by].join(', ')})`;
  return { time, byName, thread, name, attributes: attributesOf(details) };
}

/** The starters of an ended process, up to a process that still runs and can be looked at. */
function chain(thread: number, starters: Starters, time: number): string {
  let text = '';
  let starter = starters.get(thread);
  for (let n = 0; starter !== undefined && n < LONGEST_CHAIN; n += 1) {
    const details = processAt(starter.thread, time);
    if (details !== null) {
      return `${text}, started by ${label(details.comm, details.pid)} (${facts(details).join(', ')})`;
    }
    text += `, started by ${label(starter.comm, starter.thread)}`;
    starter = starters.get(starter.thread);
  }
  return text;
}

function label(comm: string, pid: number): string {
  return `${visible(comm)}[${pid}]`;
}

function facts(details: ProcessDetails): string[] {
  const { unit, uid } = details;
  return [
    commandOf(details),
    ...(unit === null ? [] : [`unit ${visible(unit)}`]),
    ...(uid === 0 ? [] : [`user ${uid}`]),
  ];
}

function attributesOf(details: ProcessDetails): SampleAttributes {
  const { pid, comm, unit, uid } = details;
  return {
    'process.pid': pid,
    'process.executable.name': visible(comm),
    'process.command_line': commandOf(details),
    'process.real_user.id': uid,
    ...(unit === null ? {} : { 'systemd.unit': visible(unit) }),
  };
}

function commandOf({ arguments: args, executable }: ProcessDetails): string {
  const command = visible(withoutSecrets(args.join(' ').trim()) || (executable ?? 'a thread of the kernel'));
  return command.length > LONGEST_COMMAND ? `${command.slice(0, LONGEST_COMMAND)}…` : command;
}
