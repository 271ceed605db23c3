/**
 * How the host was before the first apply, so that `agent revert` can put it back: one small file an artifact, written
 * before the artifact is touched. `after` is what Holdfast wrote last, or was about to write when it was killed: then
 * `earlier` is there still. What differs from both was changed by somebody else since.
 */
import { HostError } from '../host/errors.ts';
import { STATE_FOLDER } from '../host/folders.ts';
import type { Host } from '../host/host.ts';
import type { ResourceName } from './names.ts';
import { readRecord, removeRecord, writeRecord } from './records.ts';

/** Of the records. */
export const ORIGINALS = `${STATE_FOLDER}/originals`;

/** What every record has; both are absent in a record of an earlier version. */
interface Provenance {
  /** Who touched it. */
  readonly resource?: string;
  /** Of /etc/machine-id; null: the machine had none yet, as in an image that is being made. */
  readonly machine?: string | null;
}

export interface OriginalFile extends Provenance {
  readonly kind: 'file';
  readonly key: string;
  /** latin1; null: there was none. */
  readonly before: string | null;
  /** Set where it was a symbolic link. */
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
  /** Its name servers and domains, for people: how it comes to them again is systemd-networkd's matter. */
  readonly before: string;
  /** What it was told; null: nothing about these. */
  readonly servers: readonly string[] | null;
  readonly domains: readonly string[] | null;
  /** When it was told last, milliseconds since the epoch; 0: never yet. */
  readonly told: number;
  /** Which systemd-networkd was told: boot, process and its start. Absent: none yet, or by an older agent. */
  readonly by?: string;
}

export type Original = OriginalFile | OriginalValue | OriginalLink;

export class Originals {
  private readonly host: Host;

  constructor(host: Host) {
    this.host = host;
  }

  /** To be called before a file is written or removed (`after` null). */
  async rememberFile(path: string, after: string | null, resource: string): Promise<void> {
    const known = this.find('file', path);
    if (known === null) this.refuseDamaged('file', path);
    // How a file was on another machine is nothing to go back to, except that there was none.
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

  /** To be called before a sysctl, which is `now`, is written. */
  rememberValue(key: string, now: string, after: string): void {
    const known = this.find('sysctl', key);
    if (known === null) this.refuseDamaged('sysctl', key);
    const before = known === null || this.isForeign(known) ? now : known.before;
    this.save({ kind: 'sysctl', key, before, after, earlier: now });
  }

  /** To be called before a link, which is `now`, is told of other name servers, and with the time when it has been. */
  rememberLink(key: string, now: string, link: Pick<OriginalLink, 'servers' | 'domains' | 'told' | 'by'>): void {
    const known = this.find('link', key);
    if (known === null) this.refuseDamaged('link', key);
    this.save({ kind: 'link', key, before: known?.before ?? now, ...link });
  }

  /** Whether it was taken on another machine, from which this one was copied (a golden image). */
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

  /** The records that say nothing any more. */
  damaged(): string[] {
    return this.records().filter((record) => this.read(record) === null);
  }

  /** null: there is none, or it says nothing any more. What is removed from the disk is meant to be gone. */
  private read(record: string): Original | null {
    return this.host.lstat(record) === null ? null : parse(readRecord(this.host, record) ?? '');
  }

  private records(): string[] {
    return this.host
      .list(ORIGINALS)
      .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
      .map((name) => `${ORIGINALS}/${name}`);
  }

  /** Written anew, the record would say that the host was always as Holdfast made it. */
  private refuseDamaged(kind: Original['kind'], key: string): void {
    const record = recordPath(kind, key);
    if (this.host.lstat(record) === null) return;
    throw new HostError('EDAMAGED', `${record} is damaged, and only it says how this was before; remove it to go on`);
  }

  forget(original: Original): void {
    removeRecord(this.host, recordPath(original.kind, original.key));
  }

  /** How it was before the first apply must be on the disk; of what came later memory will do. */
  private save(original: Original): void {
    const record = recordPath(original.kind, original.key);
    // The folder above holds what others than root may see, too.
    this.host.makeFolder(STATE_FOLDER, 0o755);
    this.host.makeFolder(ORIGINALS, 0o700);
    const memory = this.host.lstat(record) !== null;
    writeRecord(this.host, record, `${asciiJson({ ...original, machine: machineId(this.host) })}\n`, { memory });
  }
}

/** Whether the text is one that Holdfast left there. */
export function isOurs({ after, earlier }: OriginalFile, text: string | null): boolean {
  return text === after || text === earlier;
}

/** What somebody has edited since the first apply is to outlive a revert: it belongs to how the file was. */
async function withLaterEdits(known: OriginalFile, current: string | null): Promise<string | null> {
  if (current === null || isOurs(known, current)) return known.before;
  // Here and not above: an apply that changes nothing has no use for it.
  const { withoutOurs } = await import('./merge.ts');
  const merged = withoutOurs(current, known.before, known.after);
  return merged === undefined ? known.before : merged;
}

/** machine-id(5); null where there is none yet. */
function machineId(host: Host): string | null {
  const text = host.readText('/etc/machine-id')?.trim() ?? '';
  return /^[0-9a-f]{32}$/.test(text) ? text : null;
}

/** The resource that touched it; of a record of an earlier version its path tells. */
export function resourceOf({ kind, key, resource }: Pick<Original, 'kind' | 'key' | 'resource'>): string {
  if (resource !== undefined) return resource;
  if (kind === 'sysctl') return 'sysctl';
  if (kind === 'link') return 'resolved';
  return BY_PATH.find(([pattern]) => pattern.test(key))?.[1] ?? 'resolver';
}

const BY_PATH: readonly [RegExp, ResourceName][] = [
  [/\/dhclient-(enter|exit)-hooks/, 'hooks'],
  [/\/dhcpcd/, 'dhcpcd'],
  [/\/systemd\//, 'resolved'],
  [/\/NetworkManager\//, 'networkmanager'],
  [/\/dhclient[^/]*\.conf$/, 'dhclient'],
  [/\/sysctl\.d\//, 'sysctl'],
  [/\/dnsmasq/, 'dnsmasq'],
];

/** The file in which it is kept how something was. */
export function recordPath(kind: string, key: string): string {
  return `${ORIGINALS}/${kind}.${encodeURIComponent(key)}.json`;
}

/** What a record is about, by its path alone. */
export function keyOf(record: string): Pick<Original, 'kind' | 'key'> {
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

/** null for a record that is damaged: nothing is put back blindly. */
function parse(text: string): Original | null {
  try {
    const value = JSON.parse(text) as Original;
    const whole = typeof value.key === 'string' && FIELDS[value.kind].every((field) => field in value);
    return whole ? value : null;
  } catch {
    return null;
  }
}

const FIELDS = {
  file: ['before', 'link', 'mode', 'after', 'earlier'],
  sysctl: ['before', 'after', 'earlier'],
  link: ['before', 'servers', 'domains', 'told'],
} as const satisfies Record<Original['kind'], readonly string[]>;
