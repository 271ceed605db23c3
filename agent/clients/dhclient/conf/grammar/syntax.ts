/**
 * The parts that all rules of the dhclient.conf grammar share: problems by line, and how a parser stops at a problem.
 */
import type { Cursor, Token } from './lexer.ts';

/** The place of a statement; `conditional`: in a branch of if, switch or on. */
export type Scope = 'file' | 'interface' | 'conditional';

/** A complaint of dhclient, in dhclient's words if they are clear. */
export interface SyntaxProblem {
  /** From 1. */
  readonly line: number;
  /** In bytes, from 1. */
  readonly column: number;
  readonly message: string;
}

/** Thrown and caught only inside the grammar: from this token on, the statement makes no sense. */
export class Unexpected extends Error {
  readonly token: Token;

  constructor(token: Token, message: string) {
    super(message);
    this.token = token;
  }
}

export function problemAt(token: Token, message: string): SyntaxProblem {
  return { line: token.line, column: token.column, message };
}

/** Takes the next token if the token is this mark, and otherwise stops. */
export function expectMark(cursor: Cursor, mark: string): Token {
  if (!cursor.isMark(mark)) throw new Unexpected(cursor.peek(), `${MARKS[mark] ?? `"${mark}"`} expected`);
  return cursor.next();
}

export function expectString(cursor: Cursor, what: string): Token {
  if (cursor.peek().kind !== 'string') throw new Unexpected(cursor.peek(), `${what} expected, in double quotes`);
  return cursor.next();
}

export function expectWord(cursor: Cursor, what: string): Token {
  if (cursor.peek().kind !== 'word') throw new Unexpected(cursor.peek(), `${what} expected`);
  return cursor.next();
}

export function expectNumber(cursor: Cursor): Token {
  if (cursor.peek().kind !== 'number') throw new Unexpected(cursor.peek(), 'number expected');
  return cursor.next();
}

const MARKS: Readonly<Record<string, string>> = { ';': 'semicolon', '{': 'left brace', '}': 'right brace' };
