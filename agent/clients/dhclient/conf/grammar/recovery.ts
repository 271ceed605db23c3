/**
 * The place where reading resumes after a broken statement of dhclient.conf. The grammar resumes where the next
 * statement seems to begin; dhclient resumes after one to three semicolons.
 */
import type { Cursor } from './lexer.ts';

/** Words that begin a statement. On a new line, such a word ends an earlier statement that lacks its semicolon. */
export const BEGINNINGS = new Set(
  `supersede default prepend append send request require also interface pseudo lease alias option include if timeout
  retry reboot select-timeout backoff-cutoff initial-interval initial-delay script reject media key zone`.split(/\s+/),
);

/** Whether the next token is one of these words, and the first word of its line. */
export function beginsStatement(cursor: Cursor): boolean {
  const isFirst = (cursor.last()?.line ?? 0) < cursor.peek().line;
  return isFirst && BEGINNINGS.has(cursor.keyword);
}

/**
 * Moves the cursor to the likely begin of the next statement. Returns the offset of the first token that dhclient would
 * read again. `from`: the position at which the broken statement begins. The cursor stands at the first token that
 * makes no sense.
 */
export function recover(cursor: Cursor, from: number, isOption: boolean): number {
  const failed = cursor.position;
  skipToSemicolon(cursor);
  if (isOption) skipToSemicolon(cursor);
  if (isOption && !cursor.isMark(';')) skipToSemicolon(cursor);
  const skippedUntil = cursor.peek().start;
  cursor.rewind(failed);
  if (failed === from) cursor.next();
  while (cursor.peek().kind !== 'end' && !cursor.isMark('}') && !beginsStatement(cursor)) {
    if (cursor.isMark('{')) skipToSemicolon(cursor);
    else if (cursor.next().text === ';') break;
  }
  return skippedUntil;
}

/** ISC's skip_to_semi: moves past the semicolon, or past the brace that closes the blocks opened on the way. */
function skipToSemicolon(cursor: Cursor): void {
  let depth = 0;
  while (cursor.peek().kind !== 'end') {
    const { kind, text } = cursor.next();
    if (kind !== 'mark') continue;
    if (text === '{') depth++;
    if (text === '}' && --depth <= 0) return;
    if (text === ';' && depth === 0) return;
  }
}
