/**
 * Expressions of dhcp-eval(5), as far as an editor must understand them: where an expression ends, and whether the
 * words can be an expression. The reader knows no operator precedence and no function types; dhclient's own check
 * covers both.
 */
import { type OptionScope, parseOptionName } from './definitions.ts';
import type { Cursor } from './lexer.ts';
import { expectMark, Unexpected } from './syntax.ts';

const OPERATORS = ['=', '+', '*', '/', '%', '&', '|', '^'];

const DEEPEST = 100;

export function skipExpression(cursor: Cursor, scope: OptionScope, depth = 0): void {
  if (depth > DEEPEST) throw new Unexpected(cursor.peek(), 'expression is nested too deeply');
  skipOperand(cursor, scope, depth);
  while (skipOperator(cursor)) skipOperand(cursor, scope, depth);
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

function skipOperand(cursor: Cursor, scope: OptionScope, depth: number): void {
  while (cursor.isWord('not')) cursor.next();
  if (cursor.isMark('(')) {
    cursor.next();
    skipExpression(cursor, scope, depth + 1);
    expectMark(cursor, ')');
  } else if (cursor.isWord('option', 'config-option', 'exists')) {
    cursor.next();
    parseOptionName(cursor, scope);
  } else if (cursor.isWord('check')) {
    cursor.next();
    cursor.next();
  } else if (cursor.peek().kind === 'string') {
    cursor.next();
  } else if (cursor.peek().kind === 'number' || cursor.peek().kind === 'word') {
    const { text } = cursor.next();
    const isHex = /^[0-9A-Fa-f]+$/.test(text);
    // Only this function takes no arguments.
    if (cursor.isMark('(') && cursor.peek(1).text === ')' && text.toLowerCase() !== 'gethostname')
      throw new Unexpected(cursor.peek(), 'expecting expression');
    if (cursor.isMark('(')) skipArguments(cursor, scope, depth);
    else
      while (isHex && cursor.isMark(':')) {
        cursor.next();
        cursor.next();
      }
  } else throw new Unexpected(cursor.peek(), 'expression expected');
}

function skipArguments(cursor: Cursor, scope: OptionScope, depth: number): void {
  expectMark(cursor, '(');
  while (!cursor.isMark(')')) {
    skipExpression(cursor, scope, depth + 1);
    if (!cursor.isMark(',')) break;
    cursor.next();
  }
  expectMark(cursor, ')');
}
