/**
 * The options that one file may name: the options that dhclient knows, and those that the file defines (`option x code
 * 200 = text;`).
 */
import { CUSTOM, DHCP4, DHCP6, OTHER_SPACES } from '../../../../config/notation/dhcp-option-table.ts';
import type { Cursor } from './lexer.ts';
import { expectMark, expectNumber, expectWord, Unexpected } from './syntax.ts';

/** An option as a statement names it. */
export interface NamedOption {
  /**
   * The same key for every name of one option: `dhcp:6` for `domain-name-servers`, `DHCP.domain-name-servers`,
   * `unknown-6`.
   */
  readonly key: string;
  /** The format in ISC's letters; null if only an included file can have defined the option. */
  readonly format: string | null;
}

export class OptionScope {
  private readonly names = new Map(builtIn());
  private readonly formats = new Map([...builtIn().values()].map(({ key, format }) => [key, format ?? 'X']));
  private readonly spaces = new Set(['dhcp', 'dhcp6', ...Object.keys(OTHER_SPACES)]);
  /** True after an `include`: an unknown name may be defined in the included file. */
  lenient = false;

  define(space: string, name: string, code: string, format: string): NamedOption {
    const option = { key: `${space}:${Number(code)}`, format };
    this.names.set(`${space}.${name.toLowerCase()}`, option);
    this.formats.set(option.key, format);
    return option;
  }

  addSpace(name: string): void {
    this.spaces.add(name.toLowerCase());
  }

  /** The option's own definition at this point of the file, under any of its names. */
  formatOf(key: string): string | undefined {
    return this.formats.get(key);
  }

  find(space: string, name: string): NamedOption | string {
    const found = this.names.get(`${space}.${name}`);
    if (found) return found;
    if (!this.spaces.has(space) && !this.lenient) return `no option space named ${space}`;
    const code = /^unknown-(\d+)$/.exec(name)?.[1];
    if (code) return { key: `${space}:${Number(code)}`, format: this.formats.get(`${space}:${Number(code)}`) ?? 'X' };
    return this.lenient ? { key: keyOfCustom(space, name), format: null } : `no option named ${name} in space ${space}`;
  }
}

/** Reads `NAME` or `SPACE.NAME`. `notice` gets a well-known name that nothing defines, before the name is refused. */
export function parseOptionName(
  cursor: Cursor,
  scope: OptionScope,
  notice: (option: NamedOption) => void = () => {},
): NamedOption {
  const token = cursor.peek();
  const { space, name } = parseQualifiedName(cursor);
  const option = scope.find(space, name);
  if (typeof option !== 'string') return option;
  if (space === 'dhcp' && CUSTOM[name]) notice({ key: keyOfCustom(space, name), format: null });
  throw new Unexpected(token, option);
}

/**
 * Reads what follows `option` at the outermost level: `NAME code 200 = TYPE`, or `space NAME …`, without the semicolon.
 */
export function parseDefinition(cursor: Cursor, scope: OptionScope): NamedOption | null {
  if (cursor.isWord('space')) {
    cursor.next();
    scope.addSpace(expectWord(cursor, 'option space name').text);
    while (cursor.isWord('code', 'length', 'hash')) {
      cursor.next();
      expectWord(cursor, 'width or size');
      expectNumber(cursor);
    }
    return null;
  }
  const first = cursor.peek();
  const { space, name } = parseQualifiedName(cursor);
  if (!cursor.isWord('code')) throw new Unexpected(cursor.peek(), 'expecting "code" keyword');
  cursor.next();
  const code = expectNumber(cursor).text;
  expectMark(cursor, '=');
  const found = scope.find(space, name);
  if (typeof found === 'string' && found.startsWith('no option space')) throw new Unexpected(first, found);
  return scope.define(space, name, code, parseType(cursor));
}

function parseQualifiedName(cursor: Cursor): { space: string; name: string } {
  const first = expectWord(cursor, 'option name').text.toLowerCase();
  if (!cursor.isMark('.')) return { space: 'dhcp', name: first };
  cursor.next();
  return { space: first, name: expectWord(cursor, 'option name').text.toLowerCase() };
}

let builtInNames: Map<string, NamedOption> | undefined;

/** The options that dhclient knows by itself, by `SPACE.NAME`. */
function builtIn(): Map<string, NamedOption> {
  if (builtInNames) return builtInNames;
  builtInNames = new Map();
  for (const [space, rows] of Object.entries({ dhcp: DHCP4, dhcp6: DHCP6, ...OTHER_SPACES }))
    for (const row of rows.trim().split('\n')) {
      const [code, name, format] = row.split(' ') as [string, string, string];
      builtInNames.set(`${space}.${name}`, { key: `${space}:${code}`, format });
    }
  return builtInNames;
}

function keyOfCustom(space: string, name: string): string {
  const custom = space === 'dhcp' ? CUSTOM[name] : undefined;
  return custom ? `dhcp:${custom.code}` : `${space}.${name}`;
}

const SIMPLE: Readonly<Record<string, string>> = {
  boolean: 'f',
  'ip-address': 'I',
  'ip6-address': '6',
  text: 't',
  string: 'X',
  'domain-name': 'd',
  zerolen: 'Z',
};
const WIDTHS: Readonly<Record<string, string>> = { 8: 'b', 16: 's', 32: 'l' };

function parseType(cursor: Cursor): string {
  if (cursor.isWord('array')) {
    const token = cursor.next();
    if (!cursor.isWord('of')) throw new Unexpected(cursor.peek(), 'expecting "of"');
    cursor.next();
    const element = parseType(cursor);
    if (/[AtXDEZ]/.test(element)) throw new Unexpected(token, 'arrays of text strings not yet supported');
    return `${element}A`;
  }
  if (cursor.isMark('{')) {
    let record = '';
    do {
      if (/[tXD]$/.test(record)) throw new Unexpected(cursor.peek(), 'text must be at end of record');
      cursor.next();
      record += parseType(cursor).replace(/(.)A$/, '$1a');
    } while (cursor.isMark(','));
    expectMark(cursor, '}');
    return record;
  }
  const word = expectWord(cursor, 'option data type');
  const type = word.text.toLowerCase();
  if (type === 'encapsulate') return `E${expectWord(cursor, 'option space name').text}.`;
  if (type === 'domain-list') {
    if (!cursor.isWord('compressed')) return 'D';
    cursor.next();
    return 'Dc';
  }
  if (type === 'integer' || type === 'signed' || type === 'unsigned') {
    if (type !== 'integer' && !cursor.isWord('integer')) throw new Unexpected(cursor.peek(), 'expecting "integer"');
    if (type !== 'integer') cursor.next();
    const width = expectNumber(cursor);
    const letter = WIDTHS[width.text];
    if (!letter) throw new Unexpected(width, 'integers have 8, 16 or 32 bits');
    return type === 'unsigned' ? letter.toUpperCase() : letter;
  }
  const letter = SIMPLE[type];
  if (!letter) throw new Unexpected(word, `unknown data type ${word.text}`);
  return letter;
}
