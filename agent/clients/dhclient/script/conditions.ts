/** Whether a command of a dhclient-script runs, as far as the text and the host's files show it. */
import type { Host } from '../../../host/host.ts';
import type { ShellCommand, ShellGuard } from '../../shell/shell-types.ts';
import { isKnown, type ShellValues } from './shell-words.ts';

export interface ConditionView {
  readonly host: Host;
  readonly values: ShellValues;
  /** Whether the path is one of our hooks or its folder, which exist once they are applied. */
  readonly isPlace: (path: string) => boolean;
}

/** null if this is not visible. */
export type Truth = boolean | null;

/** Whether all the conditions hold. */
export function allHold(guards: readonly ShellGuard[], view: ConditionView): Truth {
  const found = guards.map((guard) => holds(guard, view));
  if (found.includes(false)) return false;
  return found.includes(null) ? null : true;
}

function holds(guard: ShellGuard, view: ConditionView): Truth {
  if ('list' in guard) {
    const result = resultOf(guard.list, view);
    return result === null ? null : result === guard.holds;
  }
  const subjects = view.values.expand(guard.subject);
  const [subject] = subjects;
  const isOne = subjects.length === 1 && subject !== undefined && isKnown(subject);
  const matched = (patterns: readonly string[]): Truth => {
    const found = patterns.map((pattern) => (isOne ? matches(subject, pattern) : pattern === '*' || null));
    return found.includes(true) ? true : found.includes(null) ? null : false;
  };
  const earlier = matched(guard.earlier);
  const own = matched(guard.patterns);
  if (earlier === true || own === false) return false;
  return earlier === null || own === null ? null : true;
}

/** `case`'s pattern; null for one with a variable or a class of characters. */
function matches(subject: string, pattern: string): Truth {
  const plain = pattern.replace(/["']/g, '').replace(/\*+/g, '*');
  if (/[$`[\\]/.test(plain) || plain.split('*').length > MOST_STARS) return null;
  if (!/[*?]/.test(plain)) return subject === plain;
  const source = plain
    .replace(/[.+^{}()|]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(subject);
}

const MOST_STARS = 4;

/** Whether a list of commands joined by `&&` and `||` succeeds. */
function resultOf(list: readonly ShellCommand[], view: ConditionView): Truth {
  let result: Truth = null;
  for (const command of list) {
    const own = succeeds(command, view);
    if (command.joined === '&&') result = result === false || own === false ? false : result === null ? null : own;
    else if (command.joined === '||') result = result === true || own === true ? true : result === null ? null : own;
    else result = own;
  }
  return result;
}

function succeeds({ words, negated, inPipeline, sets }: ShellCommand, view: ConditionView): Truth {
  const [name = '', ...rest] = words;
  const ending = { '[': ']', '[[': ']]' }[name];
  let result: Truth = null;
  if (inPipeline) return null;
  if (name === 'true' || name === ':') result = true;
  else if (name === 'false') result = false;
  else if (name === 'test') result = tested(rest, view);
  else if (ending !== undefined && rest.at(-1) === ending) result = tested(rest.slice(0, -1), view);
  else if (name === '' && sets.every((word) => !/[$`]/.test(word))) result = true;
  return result === null ? null : result !== negated;
}

function tested(words: readonly string[], view: ConditionView): Truth {
  const [first, second, third] = words;
  const joins = words.findIndex((word) => word === '-a' || word === '-o');
  if (joins > 0) {
    const [left, right] = [tested(words.slice(0, joins), view), tested(words.slice(joins + 1), view)];
    const decisive = words[joins] === '-o';
    if (left === decisive || right === decisive) return decisive;
    return left === null || right === null ? null : !decisive;
  }
  if (first === '!' && words.length > 1) {
    const result = tested(words.slice(1), view);
    return result === null ? null : !result;
  }
  if (words.length === 1) return isFilled(first as string, view);
  if (words.length === 2 && first === '-n') return isFilled(second as string, view);
  if (words.length === 2 && first === '-z') {
    const filled = isFilled(second as string, view);
    return filled === null ? null : !filled;
  }
  if (words.length === 2 && /^-[defrxs]$/.test(first as string)) {
    return same(view.values.expand(second as string).map((path) => fileTest(first as string, path, view)));
  }
  if (words.length !== 3 || !/^(?:==?|!=)$/.test(second as string)) return null;
  const [left, right] = [view.values.expand(first as string), view.values.expand(third as string)];
  const equal = same(left.flatMap((a) => right.map((b) => (isKnown(a) && isKnown(b) ? a === b : null))));
  return equal === null ? null : equal === (second !== '!=');
}

function isFilled(word: string, { values }: ConditionView): Truth {
  return same(values.expand(word).map((value) => (isKnown(value) ? value !== '' : null)));
}

function fileTest(test: string, path: string, { host, isPlace }: ConditionView): Truth {
  if (isPlace(path)) return true;
  if (!isKnown(path) || !path.startsWith('/')) return null;
  const stats = host.stat(path);
  if (stats === null) return false;
  if (test === '-d') return stats.isDirectory();
  if (test === '-f') return stats.isFile();
  if (test === '-x') return (stats.mode & 0o111) !== 0;
  return test === '-s' ? stats.size > 0 : true;
}

/** The truth that all agree on. */
function same(found: readonly Truth[]): Truth {
  const [first = null] = found;
  return found.every((one) => one === first) ? first : null;
}
