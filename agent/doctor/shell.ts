/**
 * The commands of a POSIX shell script that run in the shell that reads it: not those in ( … ), $( … ) or `…`, whose
 * `exit` ends only themselves. A reading for warnings, not a parser: aliases, eval and here-documents' expansions are
 * passed over.
 */
export interface ShellCommand {
  /** From 1. */
  readonly line: number;
  /** As they stand there, quotes included. */
  readonly words: readonly string[];
  /** Inside a function: it counts only where that is called. */
  readonly inFunction: boolean;
}

/** Words after which a command begins. */
const LEADING = new Set(['then', 'do', 'else', 'elif', 'if', 'while', 'until', '{', '!', 'time', 'command', 'builtin']);

export function commandsHere(text: string): ShellCommand[] {
  const found: ShellCommand[] = [];
  const open: ('(' | '{' | 'function' | 'case')[] = [];
  let words: string[] = [];
  let line = 1;
  let functionNext = false;
  /** In a case, where a pattern stands. */
  let pattern = false;
  const here: { delimiter: string; tabs: boolean }[] = [];

  const end = () => {
    if (words.length > 0 && !open.includes('(')) found.push({ line, words, inFunction: open.includes('function') });
    words = [];
  };
  const close = (kind: '{' | '(') => {
    const last = open.at(-1);
    if (last === kind || (last === 'function' && kind === '{')) open.pop();
  };

  let at = 0;
  while (at < text.length) {
    const char = text[at] as string;
    if (char === '\n') {
      end();
      at += 1;
      line += 1;
      for (const { delimiter, tabs } of here.splice(0)) {
        const from = at;
        at = afterHereDocument(text, at, delimiter, tabs);
        line += newlines(text, from, at);
      }
    } else if (char === ' ' || char === '\t' || char === '\r') at += 1;
    else if (char === '#') at = indexOr(text, '\n', at);
    else if (char === '<' && /^<<-?(?!<)/.test(text.slice(at, at + 3))) {
      const tabs = text[at + 2] === '-';
      at += tabs ? 3 : 2;
      while (text[at] === ' ' || text[at] === '\t') at += 1;
      const next = afterWord(text, at);
      here.push({ delimiter: text.slice(at, next).replace(/['"\\]/g, ''), tabs });
      at = next;
    } else if (char === '<' || char === '>') at += text[at + 1] === '&' || text[at + 1] === '|' ? 2 : 1;
    else if (char === '(') {
      if (pattern) at += 1;
      else if (words.length === 1 && /^\([ \t]*\)/.test(text.slice(at, at + 80))) {
        functionNext = true;
        words = [];
        at = text.indexOf(')', at) + 1;
      } else {
        open.push('(');
        words = [];
        at += 1;
      }
    } else if (char === ')') {
      if (pattern) {
        pattern = false;
        words = [];
      } else {
        end();
        close('(');
      }
      at += 1;
    } else if (char === ';' || char === '&' || char === '|') {
      if (!pattern) end();
      pattern = pattern || (/^;(;|&)/.test(text.slice(at, at + 2)) && open.at(-1) === 'case');
      at += text[at + 1] === char || (char === ';' && text[at + 1] === '&') ? 2 : 1;
    } else {
      const next = afterWord(text, at);
      const word = text.slice(at, next);
      line += newlines(text, at, next);
      at = next;
      if (pattern) {
        if (word === 'esac') {
          pattern = false;
          open.pop();
        }
      } else if (words.length > 0) {
        words.push(word);
        if (word === 'in' && words[0] === 'case' && words.length === 3) {
          open.push('case');
          pattern = true;
          words = [];
        }
      } else if (word === '}') close('{');
      else if (word === 'esac' && open.at(-1) === 'case') open.pop();
      else if (word === '{') {
        open.push(functionNext ? 'function' : '{');
        functionNext = false;
      } else if (!LEADING.has(word) && !/^[A-Za-z_]\w*=/.test(word)) words.push(word);
    }
  }
  end();
  return found;
}

/** The end of the word that begins here; at least one character further. */
function afterWord(text: string, from: number): number {
  let at = from;
  while (at < text.length && !/[\s;&|()<>]/.test(text[at] as string)) at = afterPart(text, at);
  return Math.max(at, from + 1);
}

/** After one character, or one quotation or substitution. */
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

function afterClosing(text: string, from: number, closing: string): number {
  let at = from;
  while (at < text.length && text[at] !== closing) {
    if (closing === ')' && text[at] === '(') at = afterClosing(text, at + 1, ')');
    else at = closing === '"' && text[at] === "'" ? at + 1 : afterPart(text, at);
  }
  return at + 1;
}

function afterHereDocument(text: string, from: number, delimiter: string, tabs: boolean): number {
  let at = from;
  while (at < text.length) {
    const next = indexOr(text, '\n', at);
    const line = text.slice(at, next);
    at = next + 1;
    if ((tabs ? line.replace(/^\t+/, '') : line) === delimiter) break;
  }
  return Math.min(at, text.length);
}

function indexOr(text: string, what: string, from: number): number {
  const found = text.indexOf(what, from);
  return found === -1 ? text.length : found;
}

function newlines(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf('\n', from); at !== -1 && at < to; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}
