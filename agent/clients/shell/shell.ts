/**
 * The commands of a shell script (POSIX sh, and bash's functions). This reader serves warnings and is no full parser:
 * it ignores aliases and the text that eval runs.
 */
import { ShellContext } from './shell-context.ts';
import {
  afterClosing,
  afterHereDocument,
  afterWord,
  endOfTest,
  indexOr,
  newlines,
  substitutionsIn,
} from './shell-text.ts';
import type { ShellCommand, ShellScript } from './shell-types.ts';

export type { ShellCommand } from './shell-types.ts';

/** Commands that run in the shell that reads the script. */
export function commandsHere(text: string): ShellCommand[] {
  return allCommands(text).filter(({ inSubshell, words }) => !inSubshell && words.length > 0);
}

/** All commands, including those of subshells and substitutions; without lines that only set variables. */
export function allCommands(text: string): ShellCommand[] {
  return readShell(text).commands.filter(({ words, writes }) => words.length > 0 || writes.length > 0);
}

/** Words after which a command begins. */
const LEADING = new Set(['then', 'do', 'else', 'elif', 'if', 'while', 'until', '{', '!', 'time', 'command', 'builtin']);

/** Limit for nested substitutions: a hostile file costs no stack. */
const DEEPEST = 20;

export function readShell(text: string, depth = 0): ShellScript {
  const context = new ShellContext();
  const { found } = context;
  let words: string[] = [];
  let writes: string[] = [];
  let sets: string[] = [];
  let line = 1;
  /** True inside a case, at the place of a pattern. */
  let pattern = false;
  const here: { delimiter: string; tabs: boolean; literal: boolean }[] = [];
  let redirected: 'read' | 'write' | null = null;
  /** The end of bash's `[[ … ]]`, in which operators separate no commands. */
  let testEnd = 0;

  const end = () => {
    if (words[0] === 'function' && words.length === 2) context.define(words[1] as string, line);
    else context.command({ line, words, writes, sets });
    words = [];
    writes = [];
    sets = [];
    redirected = null;
  };
  const substitutions = (part: string, at: number) => {
    if (depth >= DEEPEST) return;
    for (const inner of substitutionsIn(part)) {
      for (const one of readShell(inner, depth + 1).commands) context.substituted(one, at);
    }
  };

  let at = 0;
  while (at < text.length) {
    const char = text[at] as string;
    if (at < testEnd && /[&|()<>;\n]/.test(char)) {
      words.push(char);
      line += char === '\n' ? 1 : 0;
      at += 1;
    } else if (char === '\n') {
      end();
      context.separator();
      at += 1;
      line += 1;
      for (const { delimiter, tabs, literal } of here.splice(0)) {
        const from = at;
        at = afterHereDocument(text, at, delimiter, tabs);
        if (!literal) substitutions(text.slice(from, at), line);
        line += newlines(text, from, at);
      }
    } else if (char === ' ' || char === '\t' || char === '\r') at += 1;
    else if (char === '\\' && text[at + 1] === '\n') {
      at += 2;
      line += 1;
    } else if (char === '#') at = indexOr(text, '\n', at);
    else if (char === '<' && /^<<-?(?!<)/.test(text.slice(at, at + 3))) {
      const tabs = text[at + 2] === '-';
      at += tabs ? 3 : 2;
      while (text[at] === ' ' || text[at] === '\t') at += 1;
      const next = afterWord(text, at);
      const delimiter = text.slice(at, next);
      here.push({ delimiter: delimiter.replace(/['"\\]/g, ''), tabs, literal: /['"\\]/.test(delimiter) });
      at = next;
    } else if (char === '<' || char === '>') {
      // A number before the redirection is a file descriptor.
      if (/\d/.test(text[at - 1] ?? '') && /^\d+$/.test(words.at(-1) ?? '')) words.pop();
      redirected = char === '>' || text[at + 1] === '>' ? 'write' : 'read';
      while (/[<>&|]/.test(text[at] ?? '')) at += 1;
    } else if (char === '(') {
      if (pattern) at += 1;
      else if (text[at - 1] === '=' && words.length + sets.length > 0) {
        // bash's array: its words are no commands.
        const next = afterClosing(text, at + 1, ')');
        substitutions(text.slice(at, next), line);
        line += newlines(text, at, next);
        at = next;
      } else if (text[at + 1] === '(' && /^(?:for)?$/.test(words.join(' '))) at = afterClosing(text, at + 1, ')');
      else if ((words.length === 1 || words[0] === 'function') && /^\([ \t]*\)/.test(text.slice(at, at + 80))) {
        context.define(words.at(-1) as string, line);
        words = [];
        at = text.indexOf(')', at) + 1;
      } else {
        context.open('(');
        words = [];
        at += 1;
      }
    } else if (char === ')') {
      if (pattern) {
        pattern = false;
        context.patternEnds();
        words = [];
      } else {
        end();
        context.close('(');
      }
      at += 1;
    } else if (char === ';' || char === '&' || char === '|') {
      if (!pattern) end();
      const last = found.at(-1);
      // Neither `&&` nor bash's `&>file`.
      if (char === '&' && !/[&>]/.test(text[at + 1] ?? '') && last !== undefined)
        found[found.length - 1] = { ...last, inBackground: true };
      if (/^;(;|&)/.test(text.slice(at, at + 2)) && context.inCase) {
        pattern = true;
        context.branchEnds();
      }
      if (!pattern) context.operator(text.slice(at, at + 2));
      at += text[at + 1] === char || (char === ';' && text[at + 1] === '&') ? 2 : 1;
    } else {
      const next = afterWord(text, at);
      const word = text.slice(at, next);
      substitutions(word, line);
      line += newlines(text, at, next);
      if (word === '[[' && words.length === 0 && next >= testEnd) testEnd = endOfTest(text, next);
      at = next;
      if (redirected !== null && !pattern) {
        if (redirected === 'write' && !/^(\d+|-)$/.test(word)) writes.push(word);
        redirected = null;
      } else if (pattern) {
        if (word === 'esac') {
          pattern = false;
          context.close('case');
        } else context.pattern(word);
      } else if (words[0] === 'function' && words.length === 2 && word === '{') {
        context.define(words[1] as string, line);
        context.open('{');
        words = [];
      } else if (words.length > 0) {
        words.push(word);
        if (word === 'in' && words[0] === 'case' && words.length === 3) {
          context.open('case', words[1]);
          pattern = true;
          words = [];
        }
      } else if (word === '}') context.close('{');
      else if (word === 'esac' && context.inCase) context.close('case');
      else if (word === '{') context.open('{');
      else if (LEADING.has(word)) context.keyword(word);
      else if (/^[A-Za-z_]\w*\+?=/.test(word)) sets.push(word);
      else words.push(word);
    }
  }
  end();
  return { commands: found, functions: context.functions };
}
