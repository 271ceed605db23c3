/** The persisted sysctls of a host, in the order in which systemd-sysctl(8) reads them at boot (sysctl.d(5)). */
import { sysctlPath } from '../config/sysctl.ts';
import type { Host } from '../host/host.ts';
import { Unchanged } from '../host/unchanged.ts';

export const OUR_FILE = '/etc/sysctl.d/60-holdfast.conf';

/** Of files with the same name, the one in the earlier folder counts. */
const FOLDERS = ['/etc/sysctl.d', '/run/sysctl.d', '/usr/local/lib/sysctl.d', '/usr/lib/sysctl.d', '/lib/sysctl.d'];

export interface Assignment {
  readonly file: string;
  readonly line: number;
  /** Below /proc/sys, with slashes. May hold a glob. */
  readonly path: string;
  readonly value: string;
}

/** Reads no file twice that has not changed: a daemon asks every few seconds. */
export class PersistedSysctls {
  readonly #names: Unchanged<string[]>;
  readonly #assignments: Unchanged<Assignment[]>;

  constructor(host: Host) {
    this.#names = new Unchanged(host, (folder) => host.list(folder).filter((name) => name.endsWith('.conf')));
    this.#assignments = new Unchanged(host, (file, stats) =>
      stats.isFile() ? parseSysctls(file, host.readText(file) ?? '') : [],
    );
  }

  /** All assignments in order: of those with the same path the last one wins. What is no file says nothing. */
  all(): Assignment[] {
    return this.files().flatMap((file) => this.#assignments.of(file) ?? []);
  }

  /** In the order in which they are read. */
  files(): string[] {
    const byName = new Map<string, string>();
    for (const folder of FOLDERS) {
      for (const name of this.#names.of(folder) ?? []) if (!byName.has(name)) byName.set(name, `${folder}/${name}`);
    }
    return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, file]) => file);
  }
}

export function persistedSysctls(host: Host): Assignment[] {
  return new PersistedSysctls(host).all();
}

/** Paths that no pattern sets: `-net.ipv4.conf.all.rp_filter` without a value (sysctl.d(5)). */
export function exemptSysctls(host: Host): Set<string> {
  const files = new PersistedSysctls(host).files().filter((file) => host.stat(file)?.isFile());
  const lines = files.flatMap((file) => (host.readText(file) ?? '').split('\n'));
  const keys = lines.flatMap((line) => /^\s*-\s*([^\s=#;]+)\s*$/.exec(line)?.[1] ?? []);
  return new Set(keys.map(sysctlPath));
}

export function parseSysctls(file: string, text: string): Assignment[] {
  const found: Assignment[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const match = /^\s*-?\s*([^\s#;=][^=]*?)\s*=\s*(.*?)\s*$/.exec(line);
    if (match?.[1] === undefined || match[2] === undefined) continue;
    found.push({ file, line: index + 1, path: sysctlPath(match[1]), value: match[2] });
  }
  return found;
}

/** Multi-value sysctls come back with tabs: `4096\t131072\t6291456`. */
export function sameSysctlValue(a: string, b: string): boolean {
  const fields = (value: string) => value.trim().split(/\s+/).join(' ');
  return fields(a) === fields(b);
}
