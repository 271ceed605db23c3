/**
 * Expressions of dhcp-eval(5), as far as an editor must understand them: where one ends, and whether it can be one.
 * Operators have no precedence here, functions no types: dhclient itself is asked about those.
 */
import type { Cursor } from './lexer.ts';
import { expectMark, expectWord, Unexpected } from './syntax.ts';

const OPERATORS = ['=', '+', '*', '/', '%', '&', '|', '^'];

const DEEPEST = 100;

export function skipExpression(cursor: Cursor, depth = 0): void {
  if (depth > DEEPEST) throw new Unexpected(cursor.peek(), 'expression is nested too deeply');
  skipOperand(cursor, depth);
  while (skipOperator(cursor)) skipOperand(cursor, depth);
}

function skipOperator(cursor: Cursor): boolean {
  if (cursor.isWord('and', 'or') || cursor.peek().text === '-') {
    cursor.next();
    return true;
  }
  if (cursor.isMark('!') || cursor.isMark('~')) {
    cursor.next();
    if (!cursor.isMark('=') && !cursor.isMark('~')) throw new Unexpected(cursor.peek(), 'operator expected');
    cursor.next();
    if (cursor.isMark('~')) cursor.next();
    return true;
  }
  if (!OPERATORS.some((mark) => cursor.isMark(mark))) return false;
  cursor.next();
  return true;
}

function skipOperand(cursor: Cursor, depth: number): void {
  while (cursor.isWord('not')) cursor.next();
  if (cursor.isMark('(')) {
    cursor.next();
    skipExpression(cursor, depth + 1);
    expectMark(cursor, ')');
  } else if (cursor.isWord('option', 'config-option', 'exists')) {
    cursor.next();
    expectWord(cursor, 'option name');
    if (cursor.isMark('.')) {
      cursor.next();
      expectWord(cursor, 'option name');
    }
  } else if (cursor.isWord('check')) {
    cursor.next();
    cursor.next();
  } else if (cursor.peek().kind === 'string') {
    cursor.next();
  } else if (cursor.peek().kind === 'number' || cursor.peek().kind === 'word') {
    const isHex = /^[0-9A-Fa-f]+$/.test(cursor.next().text);
    if (cursor.isMark('(')) skipArguments(cursor, depth);
    else
      while (isHex && cursor.isMark(':')) {
        cursor.next();
        cursor.next();
      }
  } else throw new Unexpected(cursor.peek(), 'expression expected');
}

function skipArguments(cursor: Cursor, depth: number): void {
  expectMark(cursor, '(');
  while (!cursor.isMark(')')) {
    skipExpression(cursor, depth + 1);
    if (!cursor.isMark(',')) break;
    cursor.next();
  }
  expectMark(cursor, ')');
}
