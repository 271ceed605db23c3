/** The persisted sysctls of a host, in the order in which systemd-sysctl(8) reads them at boot (sysctl.d(5)). */
import { sysctlPath } from '../../../config/notation/sysctl-keys.ts';
import { HostError, nullIfRefused } from '../../../host/errors.ts';
import { Unchanged } from '../../../host/files/until-changed.ts';
import type { Host } from '../../../host/host.ts';

export const OUR_FILE = '/etc/sysctl.d/60-holdfast.conf';

/** If two folders have a file of the same name, the file in the earlier folder counts. */
const FOLDERS = ['/etc/sysctl.d', '/run/sysctl.d', '/usr/local/lib/sysctl.d', '/usr/lib/sysctl.d', '/lib/sysctl.d'];

/** A line of such a file. */
export interface SysctlLine {
  readonly file: string;
  readonly line: number;
  /** Below /proc/sys, with slashes. May hold a glob. */
  readonly path: string;
  /** null for `-key` without a value: no pattern, and no earlier file, sets the key (sysctl.d(5)). */
  readonly value: string | null;
}

export interface Assignment extends SysctlLine {
  readonly value: string;
  /** Set if the entry is no line of sysctl.d, but a write of this program by a file of its own. */
  readonly program?: string;
  /** It is not visible whether the program sets the value. */
  readonly maybe?: true;
  /** The program replaces only this value. */
  readonly over?: string;
}

/** Reads a file again only after the file has changed, because a daemon asks every few seconds. */
export class PersistedSysctls {
  readonly #names: Unchanged<string[]>;
  readonly #lines: Unchanged<SysctlLine[]>;

  constructor(host: Host) {
    this.#names = new Unchanged(host, (folder) => host.list(folder).filter((name) => name.endsWith('.conf')));
    this.#lines = new Unchanged(host, (file, stats) =>
      stats.isFile() ? parseSysctlLines(file, host.readText(file) ?? '') : [],
    );
  }

  /** The files as they are now. */
  now(): PersistedLook {
    const names = FOLDERS.map((folder) => [folder, nullIfRefused(() => this.#names.of(folder)) ?? []] as const);
    return new PersistedLook(names, (file) => this.#lines.of(file) ?? []);
  }
}

/** One look at the files: each folder is listed once, and each file is read once, however many questions follow. */
export class PersistedLook {
  readonly #folders: readonly (readonly [folder: string, names: readonly string[]])[];
  readonly #read: (file: string) => readonly SysctlLine[];
  /** By file: its lines, or why it could not be read. */
  readonly #seen = new Map<string, readonly SysctlLine[] | string>();
  /** By text: the lines of our file. */
  readonly #ours = new Map<string, readonly SysctlLine[]>();

  constructor(
    folders: readonly (readonly [folder: string, names: readonly string[]])[],
    read: (file: string) => readonly SysctlLine[],
  ) {
    this.#folders = folders;
    this.#read = read;
  }

  /**
   * All lines in order. A path that is no file has no lines. `ours`: the assumed text of our own file, or null if our
   * file is assumed missing.
   */
  lines(ours?: string | null): SysctlLine[] {
    const files = ours === undefined ? this.#files() : this.#files([OUR_FILE]);
    return files.flatMap((file) => {
      if (file === OUR_FILE && ours !== undefined) return ours === null ? [] : this.#oursOf(ours);
      const seen = this.#look(file);
      return typeof seen === 'string' ? [] : seen;
    });
  }

  /** Why a file could not be read; usually empty. */
  refusals(): string[] {
    return this.#files()
      .map((file) => this.#look(file))
      .filter((seen) => typeof seen === 'string');
  }

  /** The files in reading order. `more`: files to count in even if they do not exist. */
  #files(more: readonly string[] = []): string[] {
    const byName = new Map<string, string>();
    const all = this.#folders.flatMap(([folder, names]) => {
      return [...names.map((name) => `${folder}/${name}`), ...more.filter((file) => file.startsWith(`${folder}/`))];
    });
    for (const file of all) {
      const name = file.slice(file.lastIndexOf('/') + 1);
      if (!byName.has(name)) byName.set(name, file);
    }
    return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, file]) => file);
  }

  #look(file: string): readonly SysctlLine[] | string {
    const seen = this.#seen.get(file) ?? this.#linesOf(file);
    this.#seen.set(file, seen);
    return seen;
  }

  #linesOf(file: string): readonly SysctlLine[] | string {
    try {
      return this.#read(file);
    } catch (error) {
      if (error instanceof HostError) return error.message;
      throw error;
    }
  }

  #oursOf(text: string): readonly SysctlLine[] {
    const lines = this.#ours.get(text) ?? parseSysctlLines(OUR_FILE, text);
    this.#ours.set(text, lines);
    return lines;
  }
}

/** All assignments of a host in order. If a path occurs twice, the last value wins. */
export function persistedSysctls(host: Host): Assignment[] {
  return new PersistedSysctls(host).now().lines().filter(isAssignment);
}

export function parseSysctls(file: string, text: string): Assignment[] {
  return parseSysctlLines(file, text).filter(isAssignment);
}

export function isAssignment(line: SysctlLine): line is Assignment {
  return line.value !== null;
}

function parseSysctlLines(file: string, text: string): SysctlLine[] {
  const found: SysctlLine[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const [, key, value] = /^\s*-?\s*([^\s#;=][^=]*?)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    const exempt = /^\s*-\s*([^\s=#;]+)\s*$/.exec(line)?.[1];
    const path = key ?? exempt;
    if (path !== undefined) found.push({ file, line: index + 1, path: tidyPath(path), value: value ?? null });
  }
  return found;
}

/** systemd-sysctl also takes `/net/ipv4/x`, `.net.ipv4.x` and `net..ipv4.x`: to the file system they are the same. */
function tidyPath(key: string): string {
  return sysctlPath(key)
    .replace(/\/+/g, '/')
    .replace(/^\/|\/$/g, '');
}
