/**
 * The one marked block at the end of a dhclient.conf. It holds the statements that have no place elsewhere in the file.
 * The block stands after every include and condition, so its statements win. It also stands after everything that an
 * interface block copies.
 */
import { type Edit, removal } from './edits.ts';
import { Cursor, type Token, tokenize } from './grammar/lexer.ts';
import type { Conf, Statement } from './grammar/statement.ts';

const BEGIN = '# BEGIN holdfast: kept by "agent apply", changes in here are overwritten';
const END = '# END holdfast';

export interface Block {
  readonly begin: Token;
  readonly end: Token;
  /**
   * Statements that Holdfast may have written. All other statements inside the marks belong to another author and stay.
   */
  readonly own: readonly Statement[];
}

/** Statements in the order in which the block needs them. */
export interface BlockContent {
  readonly definitions: string[];
  readonly global: string[];
  readonly interfaces: Map<string, string[]>;
}

/** Finds the last pair of marks that no statement straddles. */
export function findConfBlock(conf: Conf): Block | null {
  const isMark = (mark: RegExp) => (token: Token) => token.kind === 'comment' && mark.test(token.text);
  const end = conf.tokens.findLast(isMark(/^# END holdfast\b/));
  const begin = end && conf.tokens.findLast((token) => token.start < end.start && isMark(/^# BEGIN holdfast\b/)(token));
  if (!begin) return null;
  const straddles = ({ start, end: last }: Statement) =>
    (start < begin.start && last > begin.start) || (start < end.start && last > end.start);
  if (conf.statements.some(straddles)) return null;
  const inside = conf.statements.filter(({ start }) => start > begin.start && start < end.start);
  return { begin, end, own: inside.filter(isOwn) };
}

/** The edits that make the block hold exactly this content; none if the block already does, in any layout. */
export function blockEdits(text: string, conf: Conf, block: Block | null, content: BlockContent): Edit[] {
  const eol = /\r?\n/.exec(text)?.[0] ?? '\n';
  const lines = render(content);
  const body = lines.map((line) => line + eol).join('');
  const whole = BEGIN + eol + body + END + eol;
  const before = text === '' || text.endsWith('\n') ? '' : eol;
  const appended = { start: text.length, end: text.length, replacement: before + whole };
  if (block === null) return lines.length ? [appended] : [];

  const isLast = !conf.statements.some((statement) => statement.start > block.end.start && mayWin(statement));
  if (lines.length && isLast && sameWords(block.own, body)) return [];
  const isEmptied = onlyOwn(text, conf, block);
  const gone = isEmptied ? [wholeBlock(text, block)] : block.own.map((statement) => removal(text, statement));
  if (lines.length === 0) return gone.filter((edit) => edit.end > edit.start);
  if (!isLast) return [...gone, { ...appended, replacement: text.endsWith('\n') ? whole : eol + whole }];
  if (isEmptied) return [{ ...gone[0]!, replacement: whole }];
  const lineStart = text.lastIndexOf('\n', block.end.start - 1) + 1;
  return [...gone, { start: lineStart, end: lineStart, replacement: body }];
}

function render({ definitions, global, interfaces }: BlockContent): string[] {
  const lines = [...definitions, ...global];
  for (const [name, statements] of interfaces)
    if (statements.length) lines.push(`interface "${name}" {`, ...statements.map((statement) => `  ${statement}`), '}');
  return lines;
}

function isOwn({ kind, body }: Statement): boolean {
  if (kind === 'interface') return body.every((inner) => inner.kind !== 'definition' && isOwn(inner));
  return ['supersede', 'request', 'also request', 'definition'].includes(kind);
}

/** Whether a statement after the block could undo something in it. */
function mayWin({ kind, body }: Statement): boolean {
  if (kind === 'interface') return body.some(mayWin);
  return ['include', 'conditional', 'request', 'also request'].includes(kind);
}

function sameWords(own: readonly Statement[], body: string): boolean {
  const words = (tokens: readonly Token[]) => tokens.filter((token) => token.kind !== 'end').map((token) => token.text);
  const found = own.flatMap((statement) => words(statement.tokens));
  return found.join('\0') === words(new Cursor(tokenize(body)).tokens).join('\0');
}

function onlyOwn(text: string, conf: Conf, block: Block): boolean {
  const isInside = ({ start }: { start: number }) => start > block.begin.start && start < block.end.start;
  const strangers = conf.statements.filter(isInside).length > block.own.length;
  const comments = conf.tokens.filter((token) => token.kind === 'comment' && isInside(token));
  const shared = text.slice(text.lastIndexOf('\n', block.begin.start - 1) + 1, block.begin.start).trim() !== '';
  return !strangers && comments.length === 0 && !shared;
}

function wholeBlock(text: string, block: Block): Edit {
  const start = text.lastIndexOf('\n', block.begin.start - 1) + 1;
  const newline = text.indexOf('\n', block.end.end);
  return { start, end: newline === -1 ? text.length : newline + 1, replacement: '' };
}
