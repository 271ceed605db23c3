/**
 * The words of a dhclient.conf without any loss: the tokens' texts put together give the file again, byte for byte. A
 * text is one string in which each UTF-16 unit stands for one byte (decode and encode it as `latin1`). Bytes of any
 * encoding therefore pass through unchanged. The rules are those of ISC's common/conflex.c.
 */

export type TokenKind =
  | 'space'
  /** `#` to the end of the line. ISC has no other form of comment. */
  | 'comment'
  /** In double quotes, over several lines if need be. `;`, `#` and braces have no meaning inside. */
  | 'string'
  /** Only digits. */
  | 'number'
  /** Letters, digits, `-` and `_`; also a word that begins with a digit (`3com`, `0x1f`). */
  | 'word'
  /** Any other single character. */
  | 'mark'
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** As it stands in the file. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** From 1. */
  readonly line: number;
  /** In bytes, from 1. */
  readonly column: number;
  /** Set where dhclient would complain about the token itself. */
  readonly problem?: string;
}

/** The size of ISC's buffer for one token. dhclient cuts longer strings, and exits at longer blanks. */
const LONGEST = 1499;
const SPACE = /[ \t\n\v\f\r]+/y;
const COMMENT = /#[^\n]*/y;
const WORD = /[A-Za-z0-9-][\w-]*/y;

export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  let lineStart = 0;
  for (let start = 0; start < text.length; ) {
    const { kind, end, problem } = scan(text, start);
    const place = { line, column: start - lineStart + 1 };
    tokens.push({ kind, text: text.slice(start, end), start, end, ...place, ...(problem && { problem }) });
    for (let at = text.indexOf('\n', start); at !== -1 && at < end; at = text.indexOf('\n', at + 1)) {
      line++;
      lineStart = at + 1;
    }
    start = end;
  }
  const end = text.length;
  tokens.push({ kind: 'end', text: '', start: end, end, line, column: end - lineStart + 1 });
  return tokens;
}

/**
 * The bytes that a quoted string means: `\n`, `\101` and `\x41` are as in C, any other character after `\` is itself.
 */
export function unquote({ text, problem }: Token): string {
  const inner = problem === UNTERMINATED ? text.slice(1) : text.slice(1, -1);
  return inner.replace(/\\(?:x([0-9A-Fa-f]{1,2})|([0-3][0-7]{0,2})|(.))/gs, (_, hex, octal, char) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
    return { t: '\t', r: '\r', n: '\n', b: '\b' }[char as string] ?? char;
  });
}

/** Walks over all tokens except blanks and comments. */
export class Cursor {
  readonly tokens: readonly Token[];
  private at = 0;

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens.filter((token) => token.kind !== 'space' && token.kind !== 'comment');
  }

  peek(ahead = 0): Token {
    return this.tokens[Math.min(this.at + ahead, this.tokens.length - 1)]!;
  }

  next(): Token {
    const token = this.peek();
    if (token.kind !== 'end') this.at++;
    return token;
  }

  /** The token before the next one; undefined at the beginning. */
  last(): Token | undefined {
    return this.tokens[this.at - 1];
  }

  get position(): number {
    return this.at;
  }

  rewind(position: number): void {
    this.at = position;
  }

  /** The next token in lower case if the token is a word; otherwise empty, which is no keyword. */
  get keyword(): string {
    const { kind, text } = this.peek();
    return kind === 'word' ? text.toLowerCase() : '';
  }

  isMark(mark: string): boolean {
    return this.peek().kind === 'mark' && this.peek().text === mark;
  }

  /** Whether the next token is one of these keywords, in upper or lower case. */
  isWord(...words: string[]): boolean {
    return this.peek().kind === 'word' && words.includes(this.peek().text.toLowerCase());
  }
}

const UNTERMINATED = 'eof in string constant';

function scan(text: string, start: number): { kind: TokenKind; end: number; problem?: string } {
  const char = text[start]!;
  if (char === '"') return scanString(text, start);
  for (const [kind, pattern] of [
    ['space', SPACE],
    ['comment', COMMENT],
    ['word', WORD],
  ] as const) {
    pattern.lastIndex = start;
    if (!pattern.test(text)) continue;
    const end = pattern.lastIndex;
    if (end - start > LONGEST && kind === 'space')
      return { kind, end, problem: 'whitespace too long: dhclient exits here' };
    if (end - start > LONGEST && kind === 'word') return { kind, end, problem: 'token larger than internal buffer' };
    return { kind: kind === 'word' && isDigits(text, start, end) ? 'number' : kind, end };
  }
  const nul = char === '\0' ? { problem: 'a NUL byte: this is not a text file' } : undefined;
  return { kind: 'mark', end: start + 1, ...nul };
}

function scanString(text: string, start: number): { kind: 'string'; end: number; problem?: string } {
  let end = start + 1;
  while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
  if (end >= text.length) return { kind: 'string', end: text.length, problem: UNTERMINATED };
  const tooLong = end - start > LONGEST ? { problem: 'string constant larger than internal buffer' } : undefined;
  return { kind: 'string', end: end + 1, ...tooLong };
}

function isDigits(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (text[at]! < '0' || text[at]! > '9') return false;
  return true;
}
