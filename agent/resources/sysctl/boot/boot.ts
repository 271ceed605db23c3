/**
 * Predicts a kernel setting after the next boot, by the rules of systemd-sysctl(8) and the kernel. The last line of a
 * key counts, and is written at its place. A pattern sets only keys that no line names. The kernel sets some variables
 * together with others. udev writes the lines of an interface again when that interface appears later. Tested against
 * the real systemd-sysctl in a network namespace.
 */
import { EVERY } from '../../../config/notation/sysctl-keys.ts';
import { meansSame, withoutComment } from '../../../config/sysctl/kinds.ts';
import { needsChange, sysctlNamesOf, sysctlSources, sysctlVariable } from '../../../config/sysctl/relations.ts';
import { type Assignment, isAssignment, type SysctlLine } from './sysctl-files.ts';

/** How a line sets a path. */
export type BootWay =
  /** By its own name. */
  | 'name'
  /** By another name of the same variable. */
  | 'alias'
  /** By the name under which the same variable has other units. */
  | 'units'
  | 'pattern'
  /** The kernel copies a value of conf/all to every interface. */
  | 'all'
  /** The kernel sets it because another variable changed. */
  | 'effect';

export interface BootValue {
  readonly value: string;
  readonly by: Assignment;
  readonly way: BootWay;
}

/** See `values`. */
type Run = 'sparing' | 'writing' | 'later';

const SCOPES = ['all', 'default', 'lo'];

export class BootSysctls {
  /** In the order in which they are written. */
  readonly #lines: readonly Assignment[];
  /** By path, without patterns. */
  readonly #named: ReadonlyMap<string, SysctlLine>;
  /** Paths that other programs set after systemd-sysctl. */
  readonly #later: readonly string[];

  /** `later`: the settings that other programs write after systemd-sysctl has run. */
  constructor(lines: readonly SysctlLine[], later: readonly Assignment[] = []) {
    const last = new Map<string, SysctlLine>();
    for (const line of lines) {
      // A repeated line with the same value leaves the first line at its place.
      if (last.get(line.path)?.value === line.value && last.has(line.path)) continue;
      last.delete(line.path);
      last.set(line.path, line);
    }
    this.#named = new Map([...last].filter(([path]) => !isPattern(path)));
    this.#later = later.map(({ path }) => path);
    this.#lines = [...[...last.values()].filter(isAssignment), ...later];
  }

  /** The line that exempts this path from the patterns and from all earlier files; null if there is none. */
  exemption(path: string): SysctlLine | null {
    const line = this.#named.get(path);
    return line?.value === null ? line : null;
  }

  /**
   * The values that a boot may end with; empty if no line sets the path. They differ only if the kernel sets variables
   * together with others. There are three kinds of run. systemd-sysctl since 249 skips a value that is already set. An
   * older systemd-sysctl, or procps, writes every value. The third is an interface that appears later. For a pattern of
   * EVERY interface, the values of each interface that a line or a program names are included.
   */
  values(path: string): BootValue[] {
    const [before, after] = path.split(EVERY);
    if (before === undefined || after === undefined) return this.#valuesOf(path);
    const named = [...new Set([...this.#named.keys(), ...this.#later])].filter((one) => {
      if (!one.startsWith(before) || !one.endsWith(after) || one.length <= before.length + after.length) return false;
      const scope = one.slice(before.length, one.length - after.length);
      return !scope.includes('/') && !SCOPES.includes(scope);
    });
    return [path, ...named].flatMap((one) => this.#valuesOf(one));
  }

  #valuesOf(path: string): BootValue[] {
    const comesLater = /^net\/ipv[46]\/(conf|neigh)\/(?!all\/|default\/|lo\/)/.test(path);
    const runs: readonly Run[] = comesLater ? ['sparing', 'writing', 'later'] : ['sparing', 'writing'];
    return runs.map((run) => this.value(path, run)).filter((value) => value !== null);
  }

  /** The value after one kind of run; null if no line sets it. */
  value(path: string, run: Run): BootValue | null {
    const variable = sysctlVariable(path);
    // For an interface that comes later only its own lines are written again.
    const folder = path.slice(0, path.lastIndexOf('/') + 1);
    const sources = sysctlSources(variable).filter(({ of }) => run !== 'later' || of.startsWith(folder));
    const paths = [variable, ...sources.map(({ of }) => of)].flatMap(sysctlNamesOf).sort();
    let value: BootValue | null = null;
    const before = new Map<string, string>();
    for (const by of this.#lines) {
      const pattern = isPattern(by.path);
      for (const one of paths) {
        if (pattern ? this.#named.has(one) || !matchesSysctl(by.path, one) : by.path !== one) continue;
        const written = sysctlVariable(one);
        const source = sources.find(({ of }) => of === written);
        if (by.over !== undefined && withoutComment(one, value?.value ?? '') !== by.over) continue;
        if (source === undefined) {
          value = { value: by.value, by, way: pattern ? 'pattern' : one === path ? 'name' : 'alias' };
          continue;
        }
        const has = before.get(written) ?? '0';
        const same = needsChange(written) ? meansSame(one, by.value, has) : by.value === has;
        before.set(written, withoutComment(one, by.value));
        if (same && (run === 'sparing' || needsChange(written))) continue;
        value = { value: source.value(by.value), by, way: source.way };
      }
    }
    return value;
  }
}

/** Whether a line names paths by a pattern (glob(7): `*` and `?` stay within one part of the path). */
export function isPattern(path: string): boolean {
  return /[*?[]/.test(path);
}

export function matchesSysctl(pattern: string, path: string): boolean {
  return matchesParts(pattern, path) ?? matchesExpression(pattern, path);
}

/**
 * The answer for a pattern with `*` only at the end of a part, as nearly all are: an expression for it takes longer to
 * compile than to compare. null if only an expression can tell.
 */
function matchesParts(pattern: string, path: string): boolean | null {
  let at = 0;
  for (let n = 0; n < pattern.length; n += 1) {
    const sign = pattern[n]!;
    if (sign === '?' || sign === '[') return null;
    if (sign === '*') {
      if (n + 1 < pattern.length && pattern[n + 1] !== '/') return null;
      while (at < path.length && path[at] !== '/') at += 1;
    } else if (path[at] === sign) at += 1;
    else return false;
  }
  return at === path.length;
}

function matchesExpression(pattern: string, path: string): boolean {
  const source = pattern.replace(/\[!?[^\]/]+\]|[\s\S]/g, (part) => {
    if (part === '*') return '[^/]*';
    if (part === '?') return '[^/]';
    if (part.length > 1) return part.replace(/^\[!/, '[^').replaceAll('\\', '\\\\');
    return part.replace(/[.+^${}()|\\[\]]/, '\\$&');
  });
  return new RegExp(`^${source}$`).test(path);
}
