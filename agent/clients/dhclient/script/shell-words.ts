/** The values that words of a dhclient-script may have, as far as its text shows them. */

/** Limit for the values that one word may have. */
const MOST = 16;

/** Limit in characters for one value. */
const LONGEST = 4096;

/** `$name`, `${name}`, `${name%…}`, `$1`, `$@`. */
const VARIABLE = /\$(?:\{([A-Za-z_]\w*|[0-9@*])([^}]*)\}|([A-Za-z_]\w*|[0-9@*]))/;

/** mktemp makes a file of its own, so the name is never resolv.conf. */
const TEMPORARY = /^(?:\$\(|`)\s*(?:\/[\w/]*\/)?mktemp\b[^;|&]*[)`]$/;
const TEMPORARY_FILE = '/tmp/mktemp';

/** Variables by name, each with its possible values. The arguments of a function are `1`, `2` … and `@`. */
export class ShellValues {
  private values: Map<string, readonly string[]>;

  constructor(values: Iterable<readonly [string, readonly string[]]> = []) {
    this.values = new Map(values);
  }

  copy(): ShellValues {
    return new ShellValues(this.values);
  }

  /** Makes the other values possible beside these. */
  add(others: ShellValues): void {
    for (const [name, values] of others.values) this.set(name, values, false);
  }

  /** Whether the text gives the variable a value. */
  knows(name: string): boolean {
    return this.values.has(name);
  }

  /** @param sure whether the assignment certainly takes place; otherwise the former values remain possible. */
  set(name: string, values: readonly string[], sure: boolean): void {
    const all = sure ? values : [...(this.values.get(name) ?? []), ...values];
    this.values.set(name, [...new Set(all)].slice(0, MOST));
  }

  /** Runs with the arguments of a function. */
  withArguments(args: readonly (readonly string[])[], run: () => void): void {
    const names = ['@', '*', ...Array.from({ length: 9 }, (_, index) => `${index + 1}`)];
    const before = names.map((name) => [name, this.values.get(name)] as const);
    const all = [args.map(([first = '']) => first).join(' ')];
    for (const name of names) this.values.set(name, /\d/.test(name) ? (args[Number(name) - 1] ?? ['']) : all);
    run();
    for (const [name, values] of before) {
      if (values === undefined) this.values.delete(name);
      else this.values.set(name, values);
    }
  }

  /**
   * The word's possible values, without quotes. An unknown variable stays as written, and an unknown part of a known
   * value is `*`.
   */
  expand(word: string): readonly string[] {
    let done: string[] = [''];
    let rest = word.replace(/["']/g, '');
    while (rest !== '') {
      const found = VARIABLE.exec(rest);
      const literal = found === null ? rest : rest.slice(0, found.index);
      const values = found === null ? [''] : this.value(found);
      done = done.flatMap((start) => values.map((value) => shortened(start + literal + value))).slice(0, MOST);
      rest = found === null ? '' : rest.slice(found.index + found[0].length);
    }
    return done.map((value) => (value.length < LONGEST && TEMPORARY.test(value) ? TEMPORARY_FILE : value));
  }

  private value([whole, braced, operation = '', bare]: RegExpExecArray): readonly string[] {
    const values = this.values.get(braced ?? bare ?? '');
    if (operation === '') return values ?? [whole];
    const [, fallback] = /^:?-([^$`]*)$/.exec(operation) ?? [];
    if (fallback !== undefined) return [...(values ?? [whole]), fallback];
    return [values === undefined ? whole : '*'];
  }
}

/** The value; unknown from LONGEST on. */
function shortened(value: string): string {
  return value.length <= LONGEST ? value : `${value.slice(0, LONGEST - 1)}*`;
}

/** Whether nothing in the value is unknown. */
export function isKnown(value: string): boolean {
  return !/[$`*?[]/.test(value);
}
