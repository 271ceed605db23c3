/**
 * dhclient's options as an operator may set them: names, accepted values, the notation of dhclient.conf(5), and the
 * variables that dhclient-script(8) gets. The notation of the variables was measured on 4.4.3-P1.
 */
import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import { CUSTOM, DHCP4, DHCP6 } from './dhcp-option-table.ts';

export interface OptionDefinition {
  /** As dhclient.conf(5) spells it: `domain-search`, `dhcp6.name-servers`. */
  readonly name: string;
  readonly code: number;
  /** ISC's format letters, see dhcp-option-table.ts. */
  readonly format: string;
  /** The statement that must precede the option's first use; null if dhclient knows the option by itself. */
  readonly definition: string | null;
}

let table: Map<string, OptionDefinition> | undefined;

export function findOption(name: string): OptionDefinition | undefined {
  return options().get(name);
}

export function optionNames(): string[] {
  return [...options().keys()];
}

/**
 * The error with its remedy; undefined if the values are right. Refuses every value that dhclient or its script would
 * alter, drop (`suspect value in … option - discarded`) or escape. Also refuses characters that could end the quotes
 * around a value.
 */
export function checkOptionValues(def: OptionDefinition, values: readonly string[]): string | undefined {
  const shape = shapeOf(def.format);
  if (shape === undefined) return `${def.name} cannot be superseded: its value has a structure of its own`;
  if (values.length === 0) return `write at least one value: ${describe(def, shape.record)}`;
  if (values.length > 1 && shape.more === undefined) return `write only one value: ${describe(def, shape.record)}`;
  for (const [index, value] of values.entries()) {
    const fields = index === 0 ? shape.record : (shape.more ?? shape.record);
    if (!isRecord(def, fields, value)) return `write ${describe(def, fields)}`;
  }
  return undefined;
}

/** The values as dhclient.conf(5) writes them: `10.0.0.1, 10.0.0.2`, `"a.example", "b.example"`, `1400`, `true`. */
export function confValue(def: OptionDefinition, values: readonly string[]): string {
  return written(def, values, confField).join(', ');
}

/** The variable that dhclient-script(8) gets, as a hook sees it: `new_domain_name_servers`. */
export function envName(def: OptionDefinition): string {
  return `new_${def.name.replace(/[.-]/g, '_')}`;
}

/** The text that dhclient puts into the variable if it supersedes the option with these values. */
export function envValue(def: OptionDefinition, values: readonly string[]): string {
  return written(def, values, envField).join(' ');
}

/** Each value with its fields in the notation of `writeField`. */
function written(def: OptionDefinition, values: readonly string[], writeField: typeof confField): string[] {
  const shape = shapeOf(def.format)!;
  return values.map((value, index) => {
    const fields = index === 0 ? shape.record : (shape.more ?? shape.record);
    const parts = split(fields, value).map((field, at) => writeField(fields[at]!, field));
    return parts.join(' ');
  });
}

function options(): Map<string, OptionDefinition> {
  if (table) return table;
  table = new Map();
  for (const [space, rows] of [
    ['', DHCP4],
    ['dhcp6.', DHCP6],
  ] as const)
    for (const row of rows.trim().split('\n')) {
      const [code, name, format] = row.split(' ') as [string, string, string];
      table.set(space + name, { name: space + name, code: Number(code), format, definition: null });
    }
  for (const [name, { code, format, type }] of Object.entries(CUSTOM))
    table.set(name, { name, code, format, definition: `option ${name} code ${code} = ${type};` });
  return table;
}

/** The letters of the first value, and of each further value; `more` is undefined if only one value is allowed. */
interface Shape {
  readonly record: string;
  readonly more: string | undefined;
}

function shapeOf(format: string): Shape | undefined {
  if (format === 'Dc' || format === 'D') return { record: 'D', more: 'D' };
  // dhclient mangles bytes or domains that follow another field (`10:11:22` for 1 and 0:11:22).
  if (!/^([Xd]|[I6lLsSbBTft]+[Aa]?)$/.test(format)) return undefined;
  const array = format.at(-1);
  if (array === 'A') return { record: format.slice(0, -1), more: format.slice(0, -1) };
  if (array === 'a') return { record: format.slice(0, -1), more: format.at(-2) };
  return { record: format, more: undefined };
}

/** A value's fields are separated by blanks; a text is a single field. */
function split(fields: string, value: string): string[] {
  return fields.length === 1 ? [value] : value.split(/ +/);
}

/** Options whose text is a domain name: dhclient drops any other text (check_option_values in dhclient.c). */
const NAMES = new Set(['host-name', 'nis-domain', 'netbios-scope', 'nisplus-domain']);
const NAME =
  /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?$/;
const HEX = /^[0-9A-Fa-f]{1,2}(:[0-9A-Fa-f]{1,2})+$/;
/**
 * Printable ASCII without two groups: characters that dhclient escapes with a backslash for its script, and characters
 * that need a backslash between quotes.
 */
const TEXT = /^(?! )[\x20\x21\x23\x25\x28-\x5b\x5d-\x5f\x61-\x7b\x7d\x7e]{1,255}(?<! )$/;
const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  b: [-0x80, 0x7f],
  B: [0, 0xff],
  s: [-0x8000, 0x7fff],
  S: [0, 0xffff],
  l: [-0x80000000, 0x7fffffff],
  L: [0, 0xffffffff],
  T: [0, 0xffffffff],
};
const EXAMPLES: Readonly<Record<string, string>> = {
  I: 'an IPv4 address, such as 10.0.0.1',
  6: 'an IPv6 address, such as 2001:db8::1',
  f: 'true or false',
  D: 'a domain name, such as dev.example.com',
  d: 'a domain name, such as dev.example.com',
  X: 'text, or bytes in hexadecimal, such as 1:2:a0',
};

function isRecord(def: OptionDefinition, fields: string, value: string): boolean {
  const parts = split(fields, value);
  return parts.length === fields.length && parts.every((part, at) => isField(def, fields[at]!, part));
}

function isField(def: OptionDefinition, letter: string, value: string): boolean {
  if (letter === 'I') return isIPv4(value);
  if (letter === '6') return isIPv6(value) && !value.includes('%');
  if (letter === 'f') return value === 'true' || value === 'false';
  if (letter === 'D' || letter === 'd') return NAME.test(value);
  if (letter === 'X') return HEX.test(value) || TEXT.test(value);
  if (letter === 't') {
    if (def.name === 'domain-name') return value.length <= 255 && value.split(' ').every((name) => NAME.test(name));
    if (def.name === 'root-path') return TEXT.test(value) && /^[\w#%+.,@~/[\]=: -]*$/.test(value);
    return NAMES.has(def.name) ? NAME.test(value) : TEXT.test(value);
  }
  const [least, most] = RANGES[letter]!;
  return /^(0|-?[1-9]\d{0,9})$/.test(value) && Number(value) >= least && Number(value) <= most;
}

function describe(def: OptionDefinition, fields: string): string {
  if (fields.length > 1)
    return `${[...fields].map((letter) => describe(def, letter)).join(' and ')}, separated by one blank`;
  if (EXAMPLES[fields]) return EXAMPLES[fields];
  if (fields === 't')
    return NAMES.has(def.name) || def.name === 'domain-name'
      ? EXAMPLES.D!
      : 'printable ASCII text, without quotes, backslashes or $ & |';
  const [least, most] = RANGES[fields]!;
  return `an integer from ${least} to ${most}`;
}

function confField(letter: string, value: string): string {
  return letter === 't' || letter === 'D' || (letter === 'X' && !HEX.test(value)) ? `"${value}"` : value;
}

function envField(letter: string, value: string): string {
  if (letter === '6') return new SocketAddress({ address: value, family: 'ipv6' }).address;
  if (letter === 'D' || letter === 'd') return value.endsWith('.') ? value : `${value}.`;
  if (letter !== 'X' || !HEX.test(value)) return value;
  const bytes = value.split(':').map((byte) => Number.parseInt(byte, 16));
  return bytes.every((byte) => byte >= 0x20 && byte < 0x7f)
    ? String.fromCharCode(...bytes).replace(/["'$`\\&|]/g, '\\$&')
    : bytes.map((byte) => byte.toString(16)).join(':');
}
