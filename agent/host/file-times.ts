/**
 * Whether a process started before or after a file was changed: whether it read what is there now. A file's time is by the
 * clock of then, a process's start is counted from the boot, and the clock may have been stepped in between. So what was seen of
 * a file is kept in RUN_FOLDER with the time since the boot, which never steps; it lasts as long as the processes do.
 */
import type { Stats } from 'node:fs';
import { nullIfRefused } from './errors.ts';
import type { Host } from './host.ts';
import { RUN_FOLDER } from './paths.ts';
import type { Process } from './process/processes.ts';
import { sinceBoot } from './process/processes.ts';

const FILE = `${RUN_FOLDER}/file-times`;
/** Milliseconds: what two readings of the clocks may differ by without a step. */
const SLACK = 1000;

/** Milliseconds since the boot. */
interface FileTimes {
  /** As stat(2) tells one state of the file from another. */
  readonly identity: string;
  /** Of its text; so a change of mode, or the same text written anew, is no change. */
  readonly text: string;
  /** When the file was first seen as it is. */
  readonly from: number;
  /** When it was last seen otherwise; null: never. */
  readonly until: number | null;
}

interface Record {
  /** Milliseconds since the epoch at which the boot was, by the clock of when this was first written. */
  readonly boot: number;
  readonly files: { readonly [path: string]: FileTimes | undefined };
}

/**
 * To be called where the host may be written to: notes the file as it is now. `otherwise`: when it was last known to be
 * otherwise, in milliseconds since the boot; null: it is not known. What cannot be kept is judged by the clock.
 */
export function noteFile(host: Host, path: string, otherwise: number | null = null): void {
  nullIfRefused(() => {
    const stats = host.stat(path);
    const record = load(host) ?? { boot: bootByClock(), files: {} };
    const known = record.files[path];
    const identity = stats === null ? '' : identityOf(stats);
    if (known?.identity === identity) return;
    const text = textOf(host, path);
    const now = sinceBoot();
    const same = known?.text === text;
    const times = same ? { ...known, identity } : { identity, text, from: now, until: otherwise };
    host.makeFolder(RUN_FOLDER, 0o755);
    host.replaceOwn(FILE, JSON.stringify({ ...record, files: { ...record.files, [path]: times } }), 0o600);
  });
}

/** Removes what a process left that was killed while it kept a note: no later note may come that would. */
export function settleNotes(host: Host): void {
  if (host.live && host.lstat(`${RUN_FOLDER}/.file-times.holdfast`) !== null) host.removeLeftover(FILE);
}

/** When the file was changed after the process started (milliseconds since the epoch, by the file's own time); null: it was not. */
export function changedAfterStart(host: Host, path: string, process: Process): number | null {
  const stats = host.stat(path);
  if (stats === null) return null;
  const record = load(host);
  const known = record?.files[path];
  if (known !== undefined && (known.identity === identityOf(stats) || known.text === textOf(host, path))) {
    if (process.sinceBoot >= known.from) return null;
    if (known.until !== null && process.sinceBoot <= known.until) return stats.ctimeMs;
  }
  return startsByClock(record, process).some((started) => stats.ctimeMs > started) ? stats.ctimeMs : null;
}

/** Whether something that happened at that time (milliseconds since the epoch) may have happened while the process ran. */
export function mayBeSinceStart(host: Host, time: number, process: Process): boolean {
  return startsByClock(load(host), process).some((started) => time >= started);
}

/** By the clock of now, and by that of the first note since the boot where the clock was stepped since. */
function startsByClock(record: Record | null, { started, sinceBoot: start }: Process): number[] {
  if (record === null || Math.abs(record.boot - bootByClock()) <= SLACK) return [started];
  return [started, record.boot + start];
}

function bootByClock(): number {
  return Date.now() - sinceBoot();
}

function load(host: Host): Record | null {
  try {
    const kept = JSON.parse(nullIfRefused(() => host.readText(FILE)) ?? 'null') as Record | null;
    return typeof kept?.boot === 'number' && typeof kept.files === 'object' && kept.files !== null ? kept : null;
  } catch {
    return null; // damaged: as if nothing was seen
  }
}

function identityOf({ dev, ino, size, ctimeMs }: Stats): string {
  return `${dev} ${ino} ${size} ${ctimeMs}`;
}

/** Few characters for a text: whoever may write the file is root, so nobody makes another text of the same. */
function textOf(host: Host, path: string): string {
  const text = nullIfRefused(() => host.readText(path));
  if (text === null) return '';
  let [a, b] = [0x811c9dc5, text.length];
  for (let at = 0; at < text.length; at += 1) {
    a = Math.imul(a ^ text.charCodeAt(at), 0x01000193);
    b = Math.imul(b, 31) + text.charCodeAt(at);
  }
  return `${text.length} ${a >>> 0} ${b >>> 0}`;
}
