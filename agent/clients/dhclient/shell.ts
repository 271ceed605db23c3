/**
 * The commands of a shell script (POSIX sh, and bash's functions). This reader serves warnings and is no full parser:
 * it ignores aliases and the text that eval runs.
 */
import { afterClosing, afterHereDocument, afterWord, indexOr, newlines, substitutionsIn } from './shell-text.ts';

export interface ShellCommand {
  /** From 1. */
  readonly line: number;
  /** The words as written, quotes included; empty if a group or loop is only redirected. */
  readonly words: readonly string[];
  /** The files that the command is redirected into, as written. */
  readonly writes: readonly string[];
  /** Inside a function: the command counts only if the function is called. */
  readonly inFunction: boolean;
  /** Inside ( … ), $( … ) or `…`: variables that it sets, and its `exit`, end there. */
  readonly inSubshell: boolean;
  /**
   * The conditions that hold when the command runs. Each condition is the only command of a surrounding `if`, with this
   * command in its `then` part.
   */
  readonly under: readonly ShellCommand[];
  /** The command, or the group that it ends, is followed by `&` and runs on beside the script. */
  readonly inBackground?: true;
}

/** An `if` that is open. */
interface OpenIf {
  readonly condition: ShellCommand[];
  part: 'condition' | 'then' | 'else';
  negated: boolean;
}

/** Words after which a command begins. */
const LEADING = new Set(['then', 'do', 'else', 'elif', 'if', 'while', 'until', '{', '!', 'time', 'command', 'builtin']);

/** Commands that run in the shell that reads the script. */
export function commandsHere(text: string): ShellCommand[] {
  return allCommands(text).filter(({ inSubshell, words }) => !inSubshell && words.length > 0);
}

/** Limit for nested substitutions: a hostile file costs no stack. */
const DEEPEST = 20;

/** All commands, including those of subshells and substitutions. */
export function allCommands(text: string, depth = 0): ShellCommand[] {
  const found: ShellCommand[] = [];
  const open: ('(' | '{' | 'function' | 'case')[] = [];
  let words: string[] = [];
  let line = 1;
  let functionNext = false;
  const ifs: OpenIf[] = [];
  const under = () =>
    ifs.flatMap(({ condition, part, negated }) => {
      return part === 'then' && !negated && condition.length === 1 ? condition : [];
    });
  /** True inside a case, at the place of a pattern. */
  let pattern = false;
  const here: { delimiter: string; tabs: boolean; literal: boolean }[] = [];
  let writes: string[] = [];
  let redirected: 'read' | 'write' | null = null;

  const end = () => {
    const [inFunction, inSubshell] = [open.includes('function'), open.includes('(')];
    // `done fi` and `fi fi` need no semicolon between them.
    if (words[0] === 'fi' || words[0] === 'done') for (const word of words) if (word === 'fi') ifs.pop();
    if (words.length > 0 || writes.length > 0) {
      const command = { line, words, writes, inFunction, inSubshell, under: under() };
      found.push(command);
      const last = ifs.at(-1);
      if (last?.part === 'condition') last.condition.push(command);
    }
    words = [];
    writes = [];
    redirected = null;
  };
  const substitutions = (part: string, at: number) => {
    if (depth >= DEEPEST) return;
    const inFunction = open.includes('function');
    for (const inner of substitutionsIn(part)) {
      for (const one of allCommands(inner, depth + 1))
        found.push({
          ...one,
          line: at + one.line - 1,
          inFunction,
          inSubshell: true,
          under: [...under(), ...one.under],
        });
    }
  };
  const close = (kind: '{' | '(') => {
    const last = open.at(-1);
    if (last === kind || (last === 'function' && kind === '{')) open.pop();
  };

  const keyword = (word: string) => {
    const last = ifs.at(-1);
    if (word === 'if') ifs.push({ condition: [], part: 'condition', negated: false });
    else if (word === '!' && last?.part === 'condition') last.negated = true;
    else if (word === 'then' && last?.part === 'condition') last.part = 'then';
    else if ((word === 'else' || word === 'elif') && last !== undefined) last.part = 'else';
  };

  let at = 0;
  while (at < text.length) {
    const char = text[at] as string;
    if (char === '\n') {
      end();
      at += 1;
      line += 1;
      for (const { delimiter, tabs, literal } of here.splice(0)) {
        const from = at;
        at = afterHereDocument(text, at, delimiter, tabs);
        if (!literal) substitutions(text.slice(from, at), line);
        line += newlines(text, from, at);
      }
    } else if (char === ' ' || char === '\t' || char === '\r') at += 1;
    else if (char === '#') at = indexOr(text, '\n', at);
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
      else if (words.length === 0 && text[at + 1] === '(') at = afterClosing(text, at + 1, ')');
      else if ((words.length === 1 || words[0] === 'function') && /^\([ \t]*\)/.test(text.slice(at, at + 80))) {
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
      const last = found.at(-1);
      // Neither `&&` nor bash's `&>file`.
      if (char === '&' && !/[&>]/.test(text[at + 1] ?? '') && last !== undefined)
        found[found.length - 1] = { ...last, inBackground: true };
      pattern = pattern || (/^;(;|&)/.test(text.slice(at, at + 2)) && open.at(-1) === 'case');
      at += text[at + 1] === char || (char === ';' && text[at + 1] === '&') ? 2 : 1;
    } else {
      const next = afterWord(text, at);
      const word = text.slice(at, next);
      substitutions(word, line);
      line += newlines(text, at, next);
      at = next;
      if (redirected !== null && !pattern) {
        if (redirected === 'write' && !/^(\d+|-)$/.test(word)) writes.push(word);
        redirected = null;
      } else if (pattern) {
        if (word === 'esac') {
          pattern = false;
          open.pop();
        }
      } else if (words[0] === 'function' && words.length === 2 && word === '{') {
        open.push('function');
        words = [];
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
      } else if (LEADING.has(word)) keyword(word);
      else if (!/^[A-Za-z_]\w*=/.test(word)) words.push(word);
    }
  }
  end();
  return found;
}
