/**
 * Option values in the notation of dhclient.conf(5). They are read by the option's format, and brought to one form that
 * can be compared: `10.0.0.1`, `true`, `1400`, text without its quotes, `0:a:ff` for bytes.
 */
import { isIPv6, SocketAddress } from 'node:net';
import { confValue, type OptionDefinition } from '../../../../config/notation/dhcp-options.ts';
import type { Cursor, Token } from './lexer.ts';
import { unquote } from './lexer.ts';
import { expectMark, expectNumber, expectString, problemAt, type SyntaxProblem, Unexpected } from './syntax.ts';

/**
 * Reads up to the semicolon. Returns one entry for each part between commas, with blanks between the fields of a part.
 * `complaints` gets the values that dhclient complains about but reads on (300 in an address).
 */
export function parseValues(cursor: Cursor, format: string, complaints: SyntaxProblem[]): string[] {
  const letters = splitFormat(format);
  const whole = letters.at(-1) === 'A';
  const fields = letters.filter((letter) => letter !== 'A');
  const entries: string[] = [];
  let record: string[] = [];
  for (let at = 0; at < fields.length; at++) {
    const letter = fields[at]!;
    if (fields[at + 1] === 'a') {
      record.push(parseField(cursor, letter, complaints));
      while (cursor.isMark(',')) {
        cursor.next();
        entries.push(record.join(' '));
        record = [parseField(cursor, letter, complaints)];
      }
      at++;
    } else if (letter === 'D') {
      record.push(unquote(expectString(cursor, 'domain name')));
      while (cursor.isMark(',')) {
        cursor.next();
        entries.push(record.join(' '));
        record = [unquote(expectString(cursor, 'domain name'))];
      }
    } else if (fields[at + 1] === 'o') {
      if (!cursor.isMark(';')) record.push(parseField(cursor, letter, complaints));
      at++;
    } else if (letter !== 'Z') record.push(parseField(cursor, letter, complaints));
    if (whole && at === fields.length - 1 && cursor.isMark(',')) {
      cursor.next();
      entries.push(record.join(' '));
      record = [];
      at = -1;
    }
  }
  entries.push(record.join(' '));
  return entries;
}

/** Whether the values are the same in either spelling: `domain-search "a."` is `domain-search "a"`. */
export function sameValues(format: string, found: readonly string[], wanted: readonly string[]): boolean {
  const letters = splitFormat(format);
  const plain = (values: readonly string[]) => values.map((value) => canonical(letters, value));
  return plain(found).join('\0') === plain(wanted).join('\0');
}

/** Wanted values in the notation of the file's own definition of the option. */
export interface Notation {
  /** As it stands in the file. */
  readonly text: string;
  readonly values: readonly string[];
  readonly format: string;
}

/** null if the file defines the option with a format that cannot hold these values. */
export function notationFor(def: OptionDefinition, values: readonly string[], format: string): Notation | null {
  if (isSameFormat(format, def.format)) return { text: confValue(def, values), values, format };
  const isText = ['Dc', 'D', 't', 'X'].includes(def.format);
  if (!isText || (format !== 't' && format !== 'X')) return null;
  return { text: `"${values.join(' ')}"`, values: [values.join(' ')], format };
}

/** Signs, and the two spellings of an array, do not change how a value is written. */
function isSameFormat(one: string, other: string): boolean {
  return one.replace('Dc', 'D').toLowerCase() === other.replace('Dc', 'D').toLowerCase();
}

function splitFormat(format: string): string[] {
  if (format.startsWith('E')) return ['X'];
  return format
    .replace(/N[^.]*\./g, 'N')
    .replace('Dc', 'D')
    .split('');
}

function canonical(letters: readonly string[], value: string): string {
  if (letters.length === 1 && letters[0] === 'X')
    return /^[0-9A-Fa-f]{1,2}(:[0-9A-Fa-f]{1,2})*$/.test(value) && value.includes(':')
      ? value
          .split(':')
          .map((byte) => Number.parseInt(byte, 16).toString(16))
          .join(':')
      : bytesOf(value);
  if (letters[0] === 'D' || letters[0] === 'd') return value.replace(/\.$/, '');
  if (!letters.includes('6')) return value;
  return value
    .split(' ')
    .map((field) => (isIPv6(field) ? new SocketAddress({ address: field, family: 'ipv6' }).address : field))
    .join(' ');
}

function bytesOf(text: string): string {
  return [...text].map((char) => char.charCodeAt(0).toString(16)).join(':');
}

function parseField(cursor: Cursor, letter: string, complaints: SyntaxProblem[]): string {
  if (letter === 'I') return parseAddress(cursor, complaints);
  if (letter === '6') return parseAddress6(cursor);
  if (letter === 't') {
    if (cursor.peek().kind === 'word') return cursor.next().text;
    return unquote(expectString(cursor, 'text'));
  }
  if (letter === 'D') return unquote(expectString(cursor, 'domain name'));
  if (letter === 'd') return parseHostName(cursor);
  if (letter === 'X') return parseBytes(cursor, complaints);
  if (letter === 'f') return parseFlag(cursor);
  if (letter === 'N' || letter === 'U') return cursor.next().text;
  return parseInteger(cursor, letter, complaints);
}

function parseAddress(cursor: Cursor, complaints: SyntaxProblem[]): string {
  const first = cursor.peek();
  if (first.kind === 'word') return parseHostName(cursor);
  if (first.kind !== 'number') throw new Unexpected(first, 'IP address expected, such as 10.0.0.1');
  if (cursor.peek(1).text !== '.') {
    const whole = Number(cursor.next().text) >>> 0;
    return [24, 16, 8, 0].map((shift) => (whole >>> shift) & 0xff).join('.');
  }
  const bytes: number[] = [];
  while (bytes.length < 4) {
    if (bytes.length > 0) expectMark(cursor, '.');
    const token = cursor.peek().text.startsWith('-') ? cursor.next() : expectNumber(cursor);
    const byte = Number.parseInt(token.text, 10);
    if (byte > 255) complaints.push(problemAt(token, `${token.text} exceeds 255, the most in an IP address`));
    if (token.text.startsWith('-')) complaints.push(problemAt(token, `${token.text} is no part of an IP address`));
    bytes.push(byte & 0xff);
  }
  return bytes.join('.');
}

function parseAddress6(cursor: Cursor): string {
  const first = cursor.peek();
  let text = '';
  let end = first.start;
  for (let token = first; token.start === end && isAddress6Part(token); token = cursor.peek()) {
    text += token.text;
    end = token.end;
    cursor.next();
  }
  if (!isIPv6(text)) throw new Unexpected(first, 'IPv6 address expected, such as 2001:db8::1');
  return new SocketAddress({ address: text, family: 'ipv6' }).address;
}

function isAddress6Part(token: Token): boolean {
  return token.kind === 'mark' ? token.text === ':' || token.text === '.' : /^[0-9A-Fa-f]+$/.test(token.text);
}

function parseHostName(cursor: Cursor): string {
  let name = '';
  while (cursor.peek().kind === 'word' || cursor.peek().kind === 'number') {
    name += cursor.next().text;
    if (!cursor.isMark('.')) return name;
    name += cursor.next().text;
  }
  if (name === '') throw new Unexpected(cursor.peek(), 'name expected, without quotes');
  return name;
}

function parseBytes(cursor: Cursor, complaints: SyntaxProblem[]): string {
  if (cursor.peek().kind === 'string') return unquote(cursor.next());
  const bytes: string[] = [];
  do {
    const token = cursor.next();
    if ((token.kind !== 'number' && token.kind !== 'word') || !/^[0-9A-Fa-f]+$/.test(token.text))
      throw new Unexpected(token, 'text in double quotes, or bytes in hexadecimal such as 1:2:a0 expected');
    const byte = Number.parseInt(token.text, 16);
    if (byte > 255) complaints.push(problemAt(token, `${token.text} exceeds ff, the most in a byte`));
    bytes.push((byte & 0xff).toString(16));
  } while (cursor.isMark(':') && cursor.next());
  return bytes.length === 1 ? String.fromCharCode(Number.parseInt(bytes[0]!, 16)) : bytes.join(':');
}

function parseFlag(cursor: Cursor): string {
  if (!cursor.isWord('true', 'on', 'false', 'off')) throw new Unexpected(cursor.peek(), 'true or false expected');
  return ['true', 'on'].includes(cursor.next().text.toLowerCase()) ? 'true' : 'false';
}

const BITS: Readonly<Record<string, number>> = { b: 8, B: 8, s: 16, S: 16, l: 32, L: 32, T: 32 };

function parseInteger(cursor: Cursor, letter: string, complaints: SyntaxProblem[]): string {
  const token = cursor.next();
  if (letter === 'T' && token.text.toLowerCase() === 'infinite') return String(0xffffffff);
  if (!/^(-?\d+|0[xX][0-9A-Fa-f]+)$/.test(token.text)) throw new Unexpected(token, 'number expected');
  const octal = /^-?0[0-7]+$/.test(token.text);
  if (/^-?0\d*[89]/.test(token.text)) complaints.push(problemAt(token, `${token.text} is octal, as it begins with 0`));
  const value = octal ? Number.parseInt(token.text, 8) : Number(token.text);
  const bits = BITS[letter] ?? 32;
  const half = 2 ** (bits - 1);
  if (value >= 2 * half || value < -half)
    complaints.push(problemAt(token, `${token.text} does not fit into ${bits} bits`));
  const rest = ((value % (2 * half)) + 2 * half) % (2 * half);
  return String(letter === letter.toLowerCase() && rest >= half ? rest - 2 * half : rest);
}
