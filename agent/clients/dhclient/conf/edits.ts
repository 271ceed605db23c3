/** Changes to a text as places and replacements, so that all other bytes stay the same by construction. */
import type { Token } from './grammar/lexer.ts';
import type { Statement } from './grammar/statement.ts';

export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
}

/** The edits must not overlap. Edits at the same place are made in the given order. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  let result = '';
  let at = 0;
  for (const { start, end, replacement } of sortEdits(edits)) {
    result += text.slice(at, start) + replacement;
    at = end;
  }
  return result + text.slice(at);
}

export function sortEdits(edits: readonly Edit[]): Edit[] {
  return edits.toSorted((a, b) => a.start - b.start || a.end - b.end);
}

/** Removes the statement, and its whole line if the line holds nothing else. */
export function removal(text: string, statement: Statement): Edit {
  const lineStart = text.lastIndexOf('\n', statement.start - 1) + 1;
  const newline = text.indexOf('\n', statement.end);
  const lineEnd = newline === -1 ? text.length : newline + 1;
  const alone =
    text.slice(lineStart, statement.start).trim() === '' && text.slice(statement.end, lineEnd).trim() === '';
  return alone
    ? { start: lineStart, end: lineEnd, replacement: '' }
    : { start: statement.start, end: statement.end, replacement: '' };
}

/**
 * Rewrites the statement as `supersede OPTION value;`. Comments inside the value stay; a broken statement is written
 * anew.
 */
export function supersedeInPlace(text: string, statement: Statement, name: string, value: string): Edit[] {
  const { keyword, valueTokens, start, end } = statement;
  if (valueTokens.length === 0) return [{ start, end, replacement: `supersede ${name} ${value};` }];
  const edits: Edit[] = [];
  if (statement.kind !== 'supersede') edits.push({ start: keyword.start, end: keyword.end, replacement: 'supersede' });
  for (const [index, run] of runsWithoutComment(text, valueTokens).entries())
    edits.push({ ...run, replacement: index === 0 ? value : '' });
  return edits.filter((edit) => text.slice(edit.start, edit.end) !== edit.replacement);
}

/** Removes options from a request list by their keys, and adds names at its end. */
export function listEdits(
  text: string,
  statement: Statement,
  gone: ReadonlySet<string>,
  added: readonly string[],
): Edit[] {
  const names = statement.valueTokens;
  const isGone = statement.values!.map((key) => gone.has(key));
  const lastKept = isGone.lastIndexOf(false);
  const semicolon = statement.tokens.at(-1)!.start;
  if (lastKept === -1) {
    const [first, ...rest] = deletion(text, names[0]?.start ?? semicolon, semicolon, statement);
    if (first) return [{ ...first, replacement: added.join(', ') }, ...rest];
    return [
      { start: semicolon, end: semicolon, replacement: added.map((name, at) => (at ? ', ' : ' ') + name).join('') },
    ];
  }
  const edits: Edit[] = [];
  for (let from = isGone.indexOf(true); from !== -1; ) {
    const next = isGone.indexOf(false, from);
    const to = next === -1 ? names.length : next;
    const before = from > 0 ? names[from - 1]!.end : names[from]!.start;
    const after = to < names.length ? names[to]!.start : names[to - 1]!.end;
    // A whole line is removed with its line break; the end of a line keeps the line break before the next name.
    const endsLine =
      from > 0 &&
      /^[^\n]*$/.test(text.slice(before, names[from]!.start)) &&
      /\n/.test(text.slice(names[to - 1]!.end, after));
    if (to < names.length && !endsLine) edits.push(...deletion(text, names[from]!.start, after, statement));
    else edits.push(...deletion(text, before, names[to - 1]!.end, statement));
    from = isGone.indexOf(true, to);
  }
  const place = names[lastKept]!.end;
  if (added.length) edits.push({ start: place, end: place, replacement: added.map((name) => `, ${name}`).join('') });
  return edits;
}

/** Deletes the whole range, or only the statement's words if a comment stands between them. */
function deletion(text: string, start: number, end: number, { tokens }: Statement): Edit[] {
  if (!text.slice(start, end).includes('#')) return start < end ? [{ start, end, replacement: '' }] : [];
  return tokens
    .filter((token) => token.start >= start && token.end <= end)
    .map((token) => ({ start: token.start, end: token.end, replacement: '' }));
}

function runsWithoutComment(text: string, tokens: readonly Token[]): { start: number; end: number }[] {
  const runs: { start: number; end: number }[] = [];
  for (const { start, end } of tokens) {
    const run = runs.at(-1);
    if (run && text.slice(run.end, start).trim() === '') run.end = end;
    else runs.push({ start, end });
  }
  return runs;
}
