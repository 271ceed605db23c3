/** The statements of dhcpcd.conf(5), and what they are about. */

export interface Option {
  readonly name: string;
  readonly value: string;
  readonly line: number;
  /** The offset of the line's begin. */
  readonly start: number;
}

/** Reads lines as dhcpcd's get_line and read_config do. No line continues in the next one; `#` and `;` begin a comment. */
export function options(text: string): Option[] {
  const found: Option[] = [];
  let start = 0;
  for (const [index, line] of text.split('\n').entries()) {
    const [, name, value = ''] = /^[ \t]*([^ \t#;]\S*)[ \t]*(.*)$/.exec(line) ?? [];
    if (name !== undefined) {
      found.push({ name, value: value.replace(/(?<!\\)#.*$/, '').trim(), line: index + 1, start });
    }
    start += line.length + 1;
  }
  return found;
}

/** The statements that begin a section: what follows applies only there, up to the next such statement. */
export const BLOCKS = new Set(['interface', 'ssid', 'profile']);

/**
 * The subject that a statement decides. dhcpcd takes the later of two statements about it: `option` and `require` take
 * back a `nooption` of the same name, also that of Debian's own file.
 */
export function subjectsOf({ name, value }: Pick<Option, 'name' | 'value'>): string[] {
  if (name === 'static') return [`static ${value.replace(/=.*/, '')}`];
  if (OPTION_LISTS.has(name)) return namesIn(value).map((option) => `option ${option}`);
  if (name === 'ipv6rs' || name === 'noipv6rs') return ['ipv6rs'];
  return [];
}

const OPTION_LISTS = new Set(['option', 'nooption', 'require']);

/** `a, b c` */
export function namesIn(value: string): string[] {
  return value.split(/[ ,\t]+/).filter((name) => name !== '');
}

/** The statements of dhcpcd.conf for one interface that concern `dhcp`. */
export interface ConfEffects {
  /** The value of each `static` line, with the line's number. */
  readonly statics: ReadonlyMap<string, { readonly value: string; readonly line: number }>;
  /** For each option of `option`, `nooption` and `require` the last statement. */
  readonly lists: ReadonlyMap<string, { readonly name: string; readonly line: number }>;
  readonly advertisements: { readonly taken: boolean; readonly line: number | null };
}

/**
 * @param iface null for an interface without a section of its own. Sections of `ssid` and `profile` count for none: when
 * dhcpcd uses them shows only while it runs.
 */
export function effectsOf(text: string, iface: string | null): ConfEffects {
  const statics = new Map<string, { value: string; line: number }>();
  const lists = new Map<string, { name: string; line: number }>();
  let advertisements: ConfEffects['advertisements'] = { taken: true, line: null };
  let applies = true;
  for (const { name, value, line } of options(text)) {
    if (BLOCKS.has(name)) applies = name === 'interface' && value === iface;
    else if (!applies) continue;
    else if (name === 'static') statics.set(value.replace(/=.*/, ''), { value: value.replace(/^[^=]*=\s*/, ''), line });
    else if (OPTION_LISTS.has(name)) for (const option of namesIn(value)) lists.set(option, { name, line });
    else if (name === 'ipv6rs' || name === 'noipv6rs') advertisements = { taken: name === 'ipv6rs', line };
  }
  return { statics, lists, advertisements };
}

/** The interfaces that have a section of their own. */
export function sectionsOf(text: string): string[] {
  return [...new Set(options(text).flatMap(({ name, value }) => (name === 'interface' ? [value] : [])))];
}
