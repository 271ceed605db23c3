/** The parts of a shell script’s text: words, quotations, substitutions and here-documents. */

/** The end of the word that begins here; at least one character further. */
export function afterWord(text: string, from: number): number {
  let at = from;
  while (at < text.length && !/[\s;&|()<>]/.test(text[at] as string)) at = afterPart(text, at);
  return Math.max(at, from + 1);
}

/** The offset after one character, or after one quotation or substitution. */
function afterPart(text: string, at: number): number {
  switch (text[at]) {
    case '\\':
      return at + 2;
    case "'":
      return indexOr(text, "'", at + 1) + 1;
    case '"':
      return afterClosing(text, at + 1, '"');
    case '`':
      return indexOr(text, '`', at + 1) + 1;
    case '$':
      if (text[at + 1] === '(') return afterClosing(text, at + 2, ')');
      return text[at + 1] === '{' ? afterClosing(text, at + 2, '}') : at + 1;
    default:
      return at + 1;
  }
}

export function afterClosing(text: string, from: number, closing: string): number {
  let at = from;
  while (at < text.length && text[at] !== closing) {
    if (closing === ')' && text[at] === '(') at = afterClosing(text, at + 1, ')');
    else at = closing === '"' && text[at] === "'" ? at + 1 : afterPart(text, at);
  }
  return at + 1;
}

export function afterHereDocument(text: string, from: number, delimiter: string, tabs: boolean): number {
  let at = from;
  while (at < text.length) {
    const next = indexOr(text, '\n', at);
    const line = text.slice(at, next);
    at = next + 1;
    if ((tabs ? line.replace(/^\t+/, '') : line) === delimiter) break;
  }
  return Math.min(at, text.length);
}

export function indexOr(text: string, what: string, from: number): number {
  const found = text.indexOf(what, from);
  return found === -1 ? text.length : found;
}

export function newlines(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf('\n', from); at !== -1 && at < to; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}

/** The offset of the `]]` that ends a test; `from` if the test has no end. */
export function endOfTest(text: string, from: number): number {
  const found = /\s\]\](?=[\s;)]|$)/.exec(text.slice(from, from + LONGEST_TEST));
  return found === null ? from : from + found.index;
}

/** Limit in characters. */
const LONGEST_TEST = 2000;

/**
 * The texts of $( … ) and `…` in a word or a here-document. Nested substitutions, and text in single quotes, are left
 * out.
 */
export function substitutionsIn(part: string): string[] {
  const found: string[] = [];
  let at = 0;
  let quoted = false;
  while (at < part.length) {
    const char = part[at];
    if (char === '"') quoted = !quoted;
    if (char === '\\') at += 2;
    else if (char === "'" && !quoted) at = indexOr(part, "'", at + 1) + 1;
    else if (char === '`') {
      const next = indexOr(part, '`', at + 1);
      found.push(part.slice(at + 1, next));
      at = next + 1;
    } else if (char === '$' && part[at + 1] === '(' && part[at + 2] !== '(') {
      const next = afterClosing(part, at + 2, ')');
      found.push(part.slice(at + 2, next - 1));
      at = next;
    } else at += 1;
  }
  return found;
}
