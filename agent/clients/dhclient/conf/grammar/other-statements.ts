/**
 * Statements of dhclient.conf(5) and dhcp-eval(5) that touch neither an option's value nor a request list. An editor
 * must know only where such a statement ends, and whether the words can be a statement.
 */
import type { OptionScope } from './definitions.ts';
import { skipExpression } from './expressions.ts';
import type { Cursor } from './lexer.ts';
import { beginsStatement } from './recovery.ts';
import {
  expectMark,
  expectNumber,
  expectString,
  expectWord,
  problemAt,
  type Scope,
  type SyntaxProblem,
  Unexpected,
} from './syntax.ts';

const TIMES = ['timeout', 'retry', 'select-timeout', 'reboot', 'backoff-cutoff', 'initial-interval', 'initial-delay'];

/** Statements that only need to end in a semicolon. */
const PLAIN = new Set(
  `reject hardware anycast-mac omapi do-forward-updates do-forward-update vendor ignore accept prefer dont allow deny
  lease-id-format db-time-format`.split(/\s+/),
);

/**
 * Skips a statement of the file or of an interface: whatever ISC's parse_client_statement takes, or an executable
 * statement.
 */
export function skipClientStatement(
  cursor: Cursor,
  options: OptionScope,
  scope: Scope,
  problems: SyntaxProblem[],
): void {
  const first = cursor.peek();
  const word = cursor.keyword;
  if (TIMES.includes(word)) {
    cursor.next();
    expectNumber(cursor);
    expectMark(cursor, ';');
  } else if (['lease', 'alias', 'lease6', 'key', 'zone'].includes(word)) {
    cursor.next();
    if (word === 'key' && scope === 'interface') problems.push(problemAt(first, 'key definition not allowed here'));
    skipBlock(cursor, word);
  } else if (['script', 'media'].includes(word)) {
    do {
      cursor.next();
      expectString(cursor, word === 'script' ? 'file name' : 'medium');
    } while (cursor.isMark(','));
    expectMark(cursor, ';');
  } else if (PLAIN.has(word)) {
    if (word === 'omapi' && scope === 'interface')
      problems.push(problemAt(first, 'omapi port only works at top level'));
    cursor.next();
    skipRest(cursor);
    cursor.next();
  } else skipExecutable(cursor, options);
}

/** Skips an executable statement of dhcp-eval(5) that touches no option. A bare expression is also such a statement. */
export function skipExecutable(cursor: Cursor, options: OptionScope): void {
  const word = cursor.keyword;
  if (!['set', 'define', 'unset', 'eval', 'execute', 'return', 'log', 'break', 'add'].includes(word)) {
    if (!/^[a-z]/.test(word)) throw new Unexpected(cursor.peek(), 'expecting a statement');
    skipExpression(cursor, options);
    expectMark(cursor, ';');
    return;
  }
  cursor.next();
  if (word === 'set' || word === 'define' || word === 'unset') expectWord(cursor, 'variable name');
  if (word === 'define' && cursor.isMark('(')) {
    skipBlock(cursor, word);
    return;
  }
  if (word === 'set' || word === 'define') expectMark(cursor, '=');
  if (word === 'log' || word === 'execute') {
    expectMark(cursor, '(');
    do skipExpression(cursor, options);
    while (cursor.isMark(',') && cursor.next());
    expectMark(cursor, ')');
  } else if (word !== 'unset' && word !== 'break') skipExpression(cursor, options);
  expectMark(cursor, ';');
}

/** Skips `case …:` or `default:` of a switch. */
export function skipBranch(cursor: Cursor, options: OptionScope): void {
  cursor.next();
  if (!cursor.isMark(':')) skipExpression(cursor, options);
  expectMark(cursor, ':');
}

/** Skips everything up to the semicolon. */
export function skipRest(cursor: Cursor): void {
  while (!cursor.isMark(';')) skipToken(cursor);
}

/** Skips a block without settings of ours, up to its closing brace. */
function skipBlock(cursor: Cursor, word: string): void {
  while (!cursor.isMark('{')) skipToken(cursor);
  let depth = 0;
  do {
    if (cursor.peek().kind === 'end') throw new Unexpected(cursor.peek(), `unterminated ${word} declaration`);
    if (cursor.isMark('{')) depth++;
    if (cursor.isMark('}')) depth--;
    cursor.next();
  } while (depth > 0);
  if (word === 'key' && cursor.isMark(';')) cursor.next();
}

function skipToken(cursor: Cursor): void {
  const token = cursor.peek();
  const broken = token.kind === 'end' || ';{}'.includes(token.text) || beginsStatement(cursor);
  if (broken) throw new Unexpected(token, 'semicolon expected');
  cursor.next();
}
