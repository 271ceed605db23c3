/**
 * The originals from before the first apply, for `agent revert`: one small file for each artifact, written before the
 * artifact is touched. `after` is the content that Holdfast wrote last, or was about to write when it was killed. In
 * the second case the artifact is still `earlier`. Another program made a content that differs from both.
 */
import type { ServerAddress } from '../../address/accepted.ts';
import { HostError } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { STATE_FOLDER } from '../../host/paths.ts';
import { readRecord, removeRecord, writeRecord } from './disk-or-memory.ts';

/** The folder of the records. */
export const ORIGINALS = `${STATE_FOLDER}/originals`;

/** Fields of every record. Records of earlier versions lack both. */
interface Provenance {
  /** The resource that touched the artifact. */
  readonly resource?: string;
  /** The content of /etc/machine-id; null if the machine had none yet, as in an unfinished image. */
  readonly machine?: string | null;
}

export interface OriginalFile extends Provenance {
  readonly kind: 'file';
  readonly key: string;
  /** latin1; null if there was no file. */
  readonly before: string | null;
  /** The link's target, if it was a symbolic link. */
  readonly link: string | null;
  readonly mode: number;
  readonly after: string | null;
  readonly earlier: string | null;
}

export interface OriginalValue extends Provenance {
  readonly kind: 'sysctl';
  /** Below /proc/sys, with slashes. */
  readonly key: string;
  readonly before: string;
  readonly after: string;
  readonly earlier: string;
}

/** A link whose name servers were set by resolvectl. */
export interface OriginalLink extends Provenance {
  readonly kind: 'link';
  readonly key: string;
  /** Its name servers and domains, for people only: systemd-networkd restores them itself. */
  readonly before: string;
  /** The values that the link got from us; null if none. */
  readonly servers: readonly ServerAddress[] | null;
  readonly domains: readonly string[] | null;
  /** When the link last got values from us, in milliseconds since the epoch; 0 if never. */
  readonly told: number;
  /**
   * The systemd-networkd that got the values: boot, process and start. Absent if none got them, or in records of an
   * older agent.
   */
  readonly by?: string;
}

export type Original = OriginalFile | OriginalValue | OriginalLink;

export class Originals {
  private readonly host: Host;

  constructor(host: Host) {
    this.host = host;
  }

  /** Call this before a file is written or removed (`after` null). */
  async rememberFile(path: string, after: string | null, resource: string): Promise<void> {
    const known = this.find('file', path);
    if (known === null) this.refuseDamaged('file', path);
    // A file's content on another machine is no original of this machine, but its absence is.
    if (known === null || (this.isForeign(known) && known.before !== null)) {
      this.save({ ...this.fileAsItIs(path, after), resource });
      return;
    }
    const earlier = this.host.readTextUnlessAstray(path);
    this.save({ ...known, resource, before: await withLaterEdits(known, earlier), earlier, after });
  }

  private fileAsItIs(path: string, after: string | null): OriginalFile {
    const stats = this.host.lstat(path);
    const before = stats === null ? null : this.host.readTextUnlessAstray(path);
    return {
      kind: 'file',
      key: path,
      before,
      link: this.host.readLink(path),
      mode: (stats?.mode ?? 0o644) & 0o7777,
      after,
      earlier: before,
    };
  }

  /** Call this before a sysctl with the value `now` is written. */
  rememberValue(key: string, now: string, after: string): void {
    const known = this.find('sysctl', key);
    if (known === null) this.refuseDamaged('sysctl', key);
    const before = known === null || this.isForeign(known) ? now : known.before;
    this.save({ kind: 'sysctl', key, before, after, earlier: now });
  }

  /** Call this before a link in the state `now` gets other name servers, and again with the time after it got them. */
  rememberLink(key: string, now: string, link: Pick<OriginalLink, 'servers' | 'domains' | 'told' | 'by'>): void {
    const known = this.find('link', key);
    if (known === null) this.refuseDamaged('link', key);
    this.save({ kind: 'link', key, before: known?.before ?? now, ...link });
  }

  /** Whether the record was made on another machine, from which this machine was copied (a golden image). */
  isForeign({ machine }: Original): boolean {
    return machine !== undefined && machine !== machineId(this.host);
  }

  find<K extends Original['kind']>(kind: K, key: string): Extract<Original, { kind: K }> | null {
    const original = this.read(recordPath(kind, key));
    return original as Extract<Original, { kind: K }> | null;
  }

  all(): Original[] {
    return this.records()
      .map((record) => this.read(record))
      .filter((original) => original !== null);
  }

  /** The records that no longer matter. */
  damaged(): string[] {
    return this.records().filter((record) => this.read(record) === null);
  }

  /** null if there is no record, or if it no longer matters. A record that an operator removed stays removed. */
  private read(record: string): Original | null {
    return this.host.lstat(record) === null ? null : parse(readRecord(this.host, record) ?? '');
  }

  private records(): string[] {
    return this.host
      .list(ORIGINALS)
      .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
      .map((name) => `${ORIGINALS}/${name}`);
  }

  /** Throws for a damaged record: a new record would take Holdfast's own change for the original. */
  private refuseDamaged(kind: Original['kind'], key: string): void {
    const record = recordPath(kind, key);
    if (this.host.lstat(record) === null) return;
    throw new HostError(
      'EDAMAGED',
      `${record} is damaged, and no other file has this artifact's original; remove the record to go on`,
    );
  }

  forget(original: Original): void {
    removeRecord(this.host, recordPath(original.kind, original.key));
  }

  /** The original must be saved on the disk; for later states memory is enough. */
  private save(original: Original): void {
    const record = recordPath(original.kind, original.key);
    // The folder above has files that other users may read.
    this.host.makeFolder(STATE_FOLDER, 0o755);
    this.host.makeFolder(ORIGINALS, 0o700);
    const memory = this.host.lstat(record) !== null;
    writeRecord(this.host, record, `${asciiJson({ ...original, machine: machineId(this.host) })}\n`, { memory });
  }
}

/** Whether Holdfast left this text there. */
export function isOurs({ after, earlier }: OriginalFile, text: string | null): boolean {
  return text === after || text === earlier;
}

/** Adds later edits of other programs to the original, because such edits must outlive a revert. */
async function withLaterEdits(known: OriginalFile, current: string | null): Promise<string | null> {
  if (current === null || isOurs(known, current)) return known.before;
  // Imported here, because an apply without changes does not need it.
  const { withoutOurs } = await import('./later-edits.ts');
  const merged = withoutOurs(current, known.before, known.after);
  return merged === undefined ? known.before : merged;
}

/** machine-id(5); null if there is none yet. */
function machineId(host: Host): string | null {
  const text = host.readText('/etc/machine-id')?.trim() ?? '';
  return /^[0-9a-f]{32}$/.test(text) ? text : null;
}

/** The resource that touched the artifact. In records of an earlier version it follows from the path. */
export function resourceOf({ kind, key, resource }: Pick<Original, 'kind' | 'key' | 'resource'>): string {
  if (resource !== undefined) return resource;
  if (kind === 'sysctl') return 'sysctl';
  if (kind === 'link') return 'resolved';
  return BY_PATH.find(([pattern]) => pattern.test(key))?.[1] ?? 'resolver';
}

const BY_PATH: readonly [RegExp, string][] = [
  [/\/dhclient-(enter|exit)-hooks/, 'hooks'],
  [/\/dhcpcd/, 'dhcpcd'],
  [/\/systemd\//, 'resolved'],
  [/\/NetworkManager\//, 'networkmanager'],
  [/\/dhclient[^/]*\.conf$/, 'dhclient'],
  [/\/sysctl\.d\//, 'sysctl'],
  [/\/dnsmasq/, 'dnsmasq'],
];

/** The path of the record of an artifact. */
export function recordPath(kind: string, key: string): string {
  return `${ORIGINALS}/${kind}.${encodeURIComponent(key)}.json`;
}

/** The artifact of a record, from the record's path only. */
export function artifactOf(record: string): Pick<Original, 'kind' | 'key'> {
  const [, kind = 'file', key = ''] = /\/(file|sysctl|link)\.([^/]*)\.json$/.exec(record) ?? [];
  try {
    return { kind: kind as Original['kind'], key: decodeURIComponent(key) };
  } catch {
    return { kind: kind as Original['kind'], key };
  }
}

/** Bytes beyond ASCII as \u escapes, so that the record reads the same in every encoding. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(/[\x7f-\uffff]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** null for a damaged record, which is never put back. */
function parse(text: string): Original | null {
  try {
    const value = JSON.parse(text) as Original;
    const whole = typeof value.key === 'string' && FIELDS[value.kind].every((field) => field in value);
    return whole && (value.kind !== 'sysctl' || isBelow(value.key)) ? value : null;
  } catch {
    return null;
  }
}

/** Whether a path stays below /proc/sys, where `revert` writes to it. */
function isBelow(path: string): boolean {
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

const FIELDS = {
  file: ['before', 'link', 'mode', 'after', 'earlier'],
  sysctl: ['before', 'after', 'earlier'],
  link: ['before', 'servers', 'domains', 'told'],
} as const satisfies Record<Original['kind'], readonly string[]>;
