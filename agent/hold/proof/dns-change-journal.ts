/**
 * The journal of a change of DNS: one file, written before the first artifact is touched. Until the change is proved,
 * everything can be put back together, also by the next process after kill -9 or a power cut.
 */
import { asciiJson } from '../../config/ascii.ts';
import { errorMessage, HostError } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { STATE_FOLDER } from '../../host/paths.ts';
import { RESOLV_CONF } from '../../resolver/resolv-conf.ts';
import { removeWithFolder, writeFile } from '../files/apply-file.ts';
import { hasRecord, readRecord, removeRecord, writeRecord } from '../originals/disk-or-memory.ts';
import { recordPath } from '../originals/originals.ts';

export const DNS_CHANGE_JOURNAL = `${STATE_FOLDER}/dns-change`;

/** The proved settings. As long as these are wanted, putting DNS right again needs no other proof (proof.ts). */
export const PROVED = `${STATE_FOLDER}/dns-proved`;

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

/** A file that could not be put back, and why. */
export interface LeftOver {
  readonly path: string;
  readonly problem: string;
}

/** What the resources and DHCP clients know about putting a change back. */
export interface WayBack {
  /** Whether a file keeps its modification time, because a program acts on a new time. */
  keepsTime(host: Host, path: string): boolean;
  /** Waits for the scripts of DHCP clients that began with the changed hooks (clients/hook-runs.ts). */
  hookRunsEnded(host: Host): Promise<{ readonly seen: boolean; readonly problem: string | null }>;
  /** Informs every program that has read one of these restored files. */
  tellOfFiles(host: Host, files: readonly string[]): Promise<void>;
  /** Gives the link the values of this record again, or none. */
  putBackLink(host: Host, name: string, record: string | null): void;
}

export class DnsChangeJournal {
  private readonly host: Host;
  private readonly wayBack: () => Promise<WayBack>;

  /** `wayBack` is called only if a change is put back. */
  constructor(host: Host, wayBack: () => Promise<WayBack>) {
    this.host = host;
    this.wayBack = wayBack;
  }

  /** Whether a change was begun and neither proved nor put back. */
  pending(): boolean {
    return hasRecord(this.host, DNS_CHANGE_JOURNAL);
  }

  /** Call this before a file is changed to `after` (null: removed). The path may be the target of a link. */
  note(path: string, after: string | null): void {
    const all = this.read();
    const entries = all.filter((entry): entry is Entry => !isTold(entry));
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
    this.write([...kept, ...added, ...all.filter(isTold)]);
  }

  /** Call this before a link gets other name servers. */
  noteLink(name: string): void {
    const entries = this.read();
    if (entries.some((entry) => isTold(entry) && entry.told === name)) return;
    this.write([...entries, { told: name, record: readRecord(this.host, recordPath('link', name)) }]);
  }

  /** Puts all files back: content, link, mode. Later changes by other programs are kept. */
  async putBack(): Promise<LeftOver[]> {
    const entries = this.read();
    const wayBack = await this.wayBack();
    let { leftOver, toBeTriedAgain } = await this.putBackAll(entries, wayBack);
    // A script that was started with the new hooks may have written resolv.conf in the meantime.
    const runs = await wayBack.hookRunsEnded(this.host);
    if (runs.seen) ({ leftOver, toBeTriedAgain } = await this.putBackAll(entries, wayBack));
    if (runs.problem !== null) leftOver.push({ path: RESOLV_CONF, problem: runs.problem });
    const files = entries.flatMap((entry) => (isTold(entry) ? [] : entry.path));
    await wayBack.tellOfFiles(this.host, files);
    if (!toBeTriedAgain) this.close();
    return leftOver;
  }

  private async putBackAll(entries: readonly (Entry | Told)[], wayBack: WayBack) {
    const leftOver: LeftOver[] = [];
    let toBeTriedAgain = false;
    for (const entry of entries) {
      try {
        if (isTold(entry)) {
          wayBack.putBackLink(this.host, entry.told, entry.record);
        } else if (!(await this.putBackOne(entry, wayBack))) {
          leftOver.push({ path: entry.path, problem: 'another program has changed it since, so it stays as it is' });
        }
      } catch (error) {
        toBeTriedAgain = true;
        leftOver.push({ path: isTold(entry) ? entry.told : entry.path, problem: errorMessage(error) });
      }
    }
    return { leftOver, toBeTriedAgain };
  }

  /** Ends the journal: the change was proved, or was put back. */
  close(): void {
    removeRecord(this.host, DNS_CHANGE_JOURNAL);
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
      const isOurs = now === null && (current === before || after.includes(current));
      const wanted = isOurs ? before : await withoutTheChange(current, before, after.at(-1) ?? null);
      if (now !== null || wanted === undefined) return false;
      if (wanted === null) removeWithFolder(host, path);
      else if (wanted !== current) writeFile(host, path, wanted, { mode, keepTime: wayBack.keepsTime(host, path) });
    }
    const kept = recordPath('file', path);
    if (record === null) removeRecord(host, kept);
    else if (record !== readRecord(host, kept)) writeRecord(host, kept, record, { memory: true });
    return true;
  }

  private write(entries: readonly (Entry | Told)[]): void {
    this.host.makeFolder(STATE_FOLDER, 0o755);
    // A journal in memory is lost only in a power cut, and even then the name servers were asked beforehand.
    writeRecord(this.host, DNS_CHANGE_JOURNAL, `${asciiJson(entries)}\n`, { memory: true });
  }

  private read(): (Entry | Told)[] {
    const text = readRecord(this.host, DNS_CHANGE_JOURNAL);
    if (text === null) return [];
    try {
      const entries = JSON.parse(text) as (Entry | Told)[];
      if (Array.isArray(entries) && entries.every(isWhole)) return entries;
    } catch {
      // reported below
    }
    throw new HostError(
      'EDAMAGED',
      `${DNS_CHANGE_JOURNAL} is damaged, so an unfinished change of DNS cannot be put back; check resolv.conf, the hooks and dhclient.conf, then remove that file`,
    );
  }
}

async function withoutTheChange(current: string | null, before: string | null, after: string | null) {
  const { withoutOurs } = await import('../originals/later-edits.ts');
  return withoutOurs(current, before, after);
}

function isTold(entry: Entry | Told): entry is Told {
  return 'told' in entry;
}

function isWhole(entry: Entry | Told): boolean {
  const isText = (value: unknown) => value === null || typeof value === 'string';
  if (entry !== null && typeof entry === 'object' && isTold(entry)) {
    return typeof entry.told === 'string' && isText(entry.record);
  }
  const { path, before, link, mode, after, record } = entry ?? {};
  return (
    typeof path === 'string' &&
    path.startsWith('/') &&
    typeof mode === 'number' &&
    [before, link, record].every(isText) &&
    Array.isArray(after) &&
    after.every(isText)
  );
}
