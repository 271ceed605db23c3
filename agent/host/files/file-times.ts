/**
 * Whether a process started before or after a change of a file, and so whether it has read the present file. A file's
 * time is by the clock of that moment. A process's start counts from the boot, and the clock may have been stepped in
 * between. Each seen state of a file is therefore kept in RUN_FOLDER with the time since the boot, which never steps.
 * The record lasts as long as the processes do.
 */
import type { Stats } from 'node:fs';
import { nullIfRefused } from '../errors.ts';
import type { Host } from '../host.ts';
import { RUN_FOLDER } from '../paths.ts';
import type { Process } from '../process/processes.ts';
import { sinceBoot } from '../process/processes.ts';

const FILE = `${RUN_FOLDER}/file-times`;
/** Milliseconds by which two readings of the clocks may differ without a step. */
const SLACK = 1000;

/** Milliseconds since the boot. */
interface FileTimes {
  /** The fields of stat(2) that distinguish two states of the file. */
  readonly identity: string;
  /** A hash of the file's text: a change of mode, or the same text written anew, is no change. */
  readonly text: string;
  /** When this state of the file was first seen. */
  readonly from: number;
  /** When another state was last seen; null if never. */
  readonly until: number | null;
}

interface Record {
  /** The time of the boot in milliseconds since the epoch, by the clock at the first note. */
  readonly boot: number;
  readonly files: { readonly [path: string]: FileTimes | undefined };
}

/**
 * Notes the present state of the file. Call this when the host may be written to. `otherwise`: when the file was last
 * known to be different, in milliseconds since the boot; null if unknown. If the note cannot be saved, the clock
 * decides.
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

/**
 * Removes the leftover of a process that was killed while it saved a note, because no later note may come that would
 * remove it.
 */
export function settleNotes(host: Host): void {
  if (host.live && host.lstat(`${RUN_FOLDER}/.file-times.holdfast`) !== null) host.removeLeftover(FILE);
}

/**
 * When the file was changed after the process started (milliseconds since the epoch, by the file's own time); null if
 * it was not.
 */
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

/** Whether an event at that time (milliseconds since the epoch) may have happened while the process ran. */
export function mayBeSinceStart(host: Host, time: number, process: Process): boolean {
  return startsByClock(load(host), process).some((started) => time >= started);
}

/**
 * The start by the present clock, and also by the clock of the first note since the boot, if the clock was stepped
 * since.
 */
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
    return null; // damaged: as if no state was seen
  }
}

function identityOf({ dev, ino, size, ctimeMs }: Stats): string {
  return `${dev} ${ino} ${size} ${ctimeMs}`;
}

/**
 * A few characters for a text: only root may write the file, so no user can forge a second text with the same
 * characters.
 */
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
