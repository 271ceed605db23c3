/**
 * The journal of a change: one file, written before the first artifact is touched. Until the change is proved,
 * everything can be put back together, also by the next process after kill -9 or a power cut. A change of DNS that is
 * being proved has one (proof/dns-change-journal.ts), and so has a trial (agent/confirm/trial).
 */
import { dirname } from 'node:path';
import { asciiJson } from '../../config/ascii.ts';
import { errorMessage, HostError } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { RESOLV_CONF } from '../../resolver/resolv-conf.ts';
import { removeWithFolder, writeFile } from '../files/apply-file.ts';
import { hasRecord, putBackRecord, readRecord, removeRecord, writeRecord } from '../originals/disk-or-memory.ts';
import { Originals, recordPath } from '../originals/originals.ts';
import type { Finding, Resource } from '../resource.ts';

interface Entry {
  readonly path: string;
  /** latin1; null if there was no file. */
  readonly before: string | null;
  /** The link's target, if it was a symbolic link. */
  readonly link: string | null;
  readonly mode: number;
  /** The contents that the change writes; more than one if the file is changed again. */
  readonly after: readonly (string | null)[];
  /** The record for `revert` at that time (originals.ts), as text. */
  readonly record: string | null;
}

/** A link that gets other name servers. */
interface Told {
  readonly told: string;
  /** The link's record at that time (originals.ts), as text. */
  readonly record: string | null;
}

/** The state of artifacts that are neither files nor links, as their resource gave it (Resource.snapshot). */
interface Snapshot {
  readonly resource: string;
  readonly snapshot: unknown;
}

type Noted = Entry | Told | Snapshot;

export interface JournalPlace {
  /** Below /var/lib/holdfast. */
  readonly path: string;
  /** Whether memory is enough if the disk takes nothing more (originals/disk-or-memory.ts). */
  readonly memory: boolean;
  /** For the error of a damaged journal: what cannot be done, and what to do. */
  readonly damaged: string;
}

/** A file that could not be put back, and why. */
export interface LeftOver {
  readonly path: string;
  readonly problem: string;
}

/** The knowledge of resources and DHCP clients about putting a change back. */
export interface WayBack {
  /** Whether a file keeps its modification time, because a program acts on a new time. */
  keepsTime(host: Host, path: string): boolean;
  /** Waits for the scripts of DHCP clients that began with the changed hooks (clients/hook-runs.ts). */
  hookRunsEnded(host: Host): Promise<{ readonly seen: boolean; readonly problem: string | null }>;
  /** Informs every program that has read one of these restored files. */
  tellOfFiles(host: Host, files: readonly string[]): Promise<void>;
  /** Gives the link the values of this record again, or none. */
  putBackLink(host: Host, name: string, record: string | null): void;
  /**
   * Gives what a resource's snapshot tells of its state again. `kernel`: whether the running kernel is still the one
   * of the snapshot. Returns why it is not as before, or null.
   */
  putBackSnapshot(host: Host, resource: string, snapshot: unknown, kernel: boolean): Promise<string | null>;
}

export class ChangeJournal {
  private readonly host: Host;
  private readonly place: JournalPlace;
  private readonly wayBack: () => Promise<WayBack>;

  /** `wayBack` is called only if a change is put back. */
  constructor(host: Host, place: JournalPlace, wayBack: () => Promise<WayBack>) {
    this.host = host;
    this.place = place;
    this.wayBack = wayBack;
  }

  /** Whether a change was begun and neither proved nor put back. */
  pending(): boolean {
    return hasRecord(this.host, this.place.path);
  }

  /** Call this before these findings of one resource are changed. */
  async noteFindings(resource: Resource, findings: readonly Finding[]): Promise<void> {
    for (const { kind, key, wanted } of findings) {
      if (kind === 'file') this.note(key, wanted);
      else if (kind === 'link') this.noteLink(key);
    }
    const others = findings.filter(({ kind }) => kind !== 'file' && kind !== 'link');
    const snapshot = others.length === 0 ? null : ((await resource.snapshot?.(others)) ?? null);
    if (snapshot === null) return;
    const entries = this.read();
    // The first snapshot of an artifact has its original, so a later equal one adds nothing.
    const same = JSON.stringify(snapshot);
    if (entries.some((entry) => isSnapshot(entry) && JSON.stringify(entry.snapshot) === same)) return;
    this.write([...entries, { resource: resource.name, snapshot }]);
  }

  /** Call this before a file is changed to `after` (null: removed). The path may be the target of a link. */
  note(path: string, after: string | null): void {
    const all = this.read();
    const entries = all.filter(isFile);
    const isLink = this.host.readLink(path) !== null;
    const paths = [...new Set(isLink ? [path, this.host.target(path)] : [path])].filter((one) => {
      return !entries.some((entry) => entry.path === one && entry.after.includes(after));
    });
    if (paths.length === 0) return;
    // If a file is changed twice, only the first entry has the original.
    const isNew = (one: string) => !entries.some((entry) => entry.path === one);
    const kept = entries.map((entry) => {
      return paths.includes(entry.path) ? { ...entry, after: [...entry.after, after] } : entry;
    });
    const added = paths.filter(isNew).map((one) => this.asItIs(one, after));
    this.write([...kept, ...added, ...all.filter((entry) => !isFile(entry))]);
  }

  /** Call this before a link gets other name servers. */
  noteLink(name: string): void {
    const entries = this.read();
    if (entries.some((entry) => isTold(entry) && entry.told === name)) return;
    this.write([...entries, { told: name, record: readRecord(this.host, recordPath('link', name)) }]);
  }

  /**
   * Puts all back: content, link and mode of files, and the kernel's state. Later changes by other programs are kept.
   * `kernel`: whether the running kernel is still the one that was changed.
   */
  async putBack({ kernel = true }: { kernel?: boolean } = {}): Promise<LeftOver[]> {
    const entries = this.read();
    const wayBack = await this.wayBack();
    let { leftOver, toBeTriedAgain } = await this.putBackAll(entries, wayBack, kernel);
    // A script that was started with the new hooks may have written resolv.conf in the meantime.
    const runs = await wayBack.hookRunsEnded(this.host);
    if (runs.seen) ({ leftOver, toBeTriedAgain } = await this.putBackAll(entries, wayBack, kernel));
    if (runs.problem !== null) leftOver.push({ path: RESOLV_CONF, problem: runs.problem });
    const files = entries.filter(isFile).map(({ path }) => path);
    await wayBack.tellOfFiles(this.host, files);
    if (!toBeTriedAgain) this.close();
    return leftOver;
  }

  private async putBackAll(entries: readonly Noted[], wayBack: WayBack, kernel: boolean) {
    const leftOver: LeftOver[] = [];
    let toBeTriedAgain = false;
    // Files come first, so that no lease event meets new hooks; the last snapshot first, as the first has the originals.
    const snapshots = entries.filter(isSnapshot).toReversed();
    for (const entry of [...entries.filter((one) => !isSnapshot(one)), ...snapshots]) {
      try {
        if (isSnapshot(entry)) {
          const problem = await wayBack.putBackSnapshot(this.host, entry.resource, entry.snapshot, kernel);
          if (problem !== null) leftOver.push({ path: entry.resource, problem });
        } else if (isTold(entry)) {
          wayBack.putBackLink(this.host, entry.told, entry.record);
        } else if (!(await this.putBackOne(entry, wayBack))) {
          leftOver.push({ path: entry.path, problem: 'another program has changed it since, so it stays as it is' });
        }
      } catch (error) {
        toBeTriedAgain = true;
        leftOver.push({ path: nameOf(entry), problem: errorMessage(error) });
      }
    }
    return { leftOver, toBeTriedAgain };
  }

  /** Ends the journal: the change was proved, or was put back. */
  close(): void {
    removeRecord(this.host, this.place.path);
  }

  private asItIs(path: string, after: string | null): Entry {
    const { host } = this;
    const stats = host.lstat(path);
    return {
      path,
      before: stats === null ? null : host.readTextUnlessAstray(path),
      link: host.readLink(path),
      mode: (stats?.mode ?? 0o644) & 0o7777,
      after: [after],
      record: readRecord(host, recordPath('file', path)),
    };
  }

  /** Returns false if our change cannot be separated from later ones. */
  private async putBackOne(entry: Entry, wayBack: WayBack): Promise<boolean> {
    const { host } = this;
    const { path, before, link, mode, after, record } = entry;
    host.removeLeftover(path);
    const current = host.readTextUnlessAstray(path);
    const now = host.readLink(path);
    if (link !== null) {
      if (now !== link && (now !== null || !after.includes(current))) return false;
      if (now !== link) host.replaceLink(path, link);
    } else {
      // A finding may hide a part of what is written (a secret), and the record for `revert` has all of it.
      const written = new Originals(host).find('file', path);
      const isOurs =
        now === null &&
        (current === before || after.includes(current) || (written !== null && current === written.after));
      const wanted = isOurs ? before : await withoutTheChange(current, before, after.at(-1) ?? null);
      if (now !== null || wanted === undefined) return false;
      if (wanted === null) removeWithFolder(host, path);
      else if (wanted !== current) writeFile(host, path, wanted, { mode, keepTime: wayBack.keepsTime(host, path) });
    }
    putBackRecord(host, recordPath('file', path), record);
    return true;
  }

  private write(entries: readonly Noted[]): void {
    const { path, memory } = this.place;
    this.host.makeFolder(dirname(path), 0o755);
    writeRecord(this.host, path, `${asciiJson(entries)}\n`, { memory });
  }

  private read(): Noted[] {
    const { path, damaged } = this.place;
    const text = readRecord(this.host, path);
    if (text === null) return [];
    try {
      const entries = JSON.parse(text) as Noted[];
      if (Array.isArray(entries) && entries.every(isWhole)) return entries;
    } catch {
      // reported below
    }
    throw new HostError('EDAMAGED', `${path} is damaged, so ${damaged}`);
  }
}

async function withoutTheChange(current: string | null, before: string | null, after: string | null) {
  const { withoutOurs } = await import('../originals/later-edits.ts');
  return withoutOurs(current, before, after);
}

function isTold(entry: Noted): entry is Told {
  return 'told' in entry;
}

function isSnapshot(entry: Noted): entry is Snapshot {
  return 'snapshot' in entry;
}

function isFile(entry: Noted): entry is Entry {
  return !isTold(entry) && !isSnapshot(entry);
}

function nameOf(entry: Noted): string {
  if (isSnapshot(entry)) return entry.resource;
  return isTold(entry) ? entry.told : entry.path;
}

function isWhole(entry: Noted): boolean {
  const isText = (value: unknown) => value === null || typeof value === 'string';
  if (entry === null || typeof entry !== 'object') return false;
  if (isSnapshot(entry)) return typeof entry.resource === 'string';
  if (isTold(entry)) return typeof entry.told === 'string' && isText(entry.record);
  const { path, before, link, mode, after, record } = entry;
  return (
    typeof path === 'string' &&
    path.startsWith('/') &&
    typeof mode === 'number' &&
    [before, link, record].every(isText) &&
    Array.isArray(after) &&
    after.every(isText)
  );
}
