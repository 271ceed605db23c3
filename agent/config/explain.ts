/** What the schema found wrong → errors for people: where it stands and what would be right. */
import type * as z from 'zod/mini';
import { type ConfigError, show } from './errors.ts';
import { type Fit, meant } from './slips.ts';
import { didYouMean } from './suggest.ts';
import { formatPath, plain, positionOf, type Tree, type TreePath, valueAt, withValue } from './tree.ts';

type Issue = z.core.$ZodIssue;

/** What explains an issue, beside the issue itself. */
interface Grounds {
  readonly tree: Tree;
  /** What would be wrong with another configuration, given as a plain value. */
  readonly check: (configuration: unknown) => readonly Issue[];
  /** The keys of each section. */
  readonly sections: Readonly<Record<string, readonly string[]>>;
}

export function explain(issues: readonly Issue[], grounds: Grounds): ConfigError[] {
  return issues.flatMap((issue) => explainIssue(issue, [], grounds));
}

/** An error about the value (or the key) at a path of the tree. */
export function errorAt(tree: Tree, path: TreePath, part: 'key' | 'value', message: string): ConfigError {
  return { ...positionOf(tree, path, part), path: formatPath(path), message };
}

function explainIssue(issue: Issue, above: TreePath, grounds: Grounds): ConfigError[] {
  const { tree } = grounds;
  const path = [...above, ...(issue.path as TreePath)];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) =>
        errorAt(tree, [...path, key], 'key', `unknown key${keyHint(key, issue.message.split(' '), path, grounds)}`),
      );
    case 'invalid_key':
      return issue.issues.map(({ message }) => errorAt(tree, path, 'key', message));
    case 'invalid_union': {
      // The branch that has the value's type knows more than "none of them".
      const branch = issue.errors.find(
        (errors) => !errors.some((inner) => inner.path.length === 0 && inner.code === 'invalid_type'),
      );
      if (branch && branch.length > 0) return branch.flatMap((inner) => explainIssue(inner, path, grounds));
      return [errorAt(tree, path, 'value', valueAt(tree, path) === null ? EMPTY : issue.message)];
    }
    case 'invalid_value': {
      const known = issue.values.map(String);
      const value = valueAt(tree, path);
      return [errorAt(tree, path, 'value', `${show(value)} is not known${didYouMean(String(value), known)}`)];
    }
    case 'invalid_type':
      return [errorAt(tree, path, 'value', typeProblem(issue, path, grounds))];
    default:
      return [errorAt(tree, path, 'value', issue.message)];
  }
}

const EMPTY = 'is empty; write a value, or leave the key out';
const ZODS_OWN_MESSAGE = 'Invalid input';

function typeProblem(
  { expected, message }: { expected: string; message: string },
  path: TreePath,
  { tree, check }: Grounds,
): string {
  const value = valueAt(tree, path);
  if (value === null) return EMPTY;
  if (value === undefined) return 'is missing; write it';
  if (message !== ZODS_OWN_MESSAGE) return message;
  const fit = (candidate: unknown) => fitOf(check(withValue(plain(tree), path, candidate)), path);
  const onOwnLine = positionOf(tree, path, 'key').line !== positionOf(tree, path, 'value').line;
  const hint = meant(expected, value, fit, onOwnLine);
  if (hint !== null) return hint;
  if (expected === 'array') return 'write a list: [first, second]';
  if (expected === 'object' || expected === 'record') return 'write keys with their values below it';
  if (expected === 'string')
    return typeof value !== 'object' ? `${show(value)} is not text; write it in quotes: "${value}"` : 'write one text';
  return `write ${expected === 'int' ? 'a whole number' : expected}`;
}

/** What another value at this path would still have wrong. */
function fitOf(issues: readonly Issue[], path: TreePath): Fit {
  const below = issues.filter((issue) => path.every((step, i) => issue.path[i] === step));
  if (below.length === 0) return 'good';
  return below.some(({ code }) => /^(invalid_(type|union|key)|unrecognized_keys)$/.test(code)) ? 'none' : 'shape';
}

/** What may have been meant by an unknown key. */
function keyHint(key: string, known: readonly string[], path: TreePath, { sections }: Grounds): string {
  const [, name = '', rest = ''] = /^([\w-]+)[:=](.*)$/s.exec(key) ?? [];
  if (known.includes(name)) return `; a blank is missing after the colon: write ${name}: ${rest.trim()}`.trimEnd();
  const nearest = didYouMean(key, known);
  if (nearest.includes('did you mean')) return nearest;
  const owner = Object.keys(sections).find((section) => section !== path[0] && sections[section]!.includes(key));
  return owner === undefined ? nearest : `; it belongs below "${owner}:", indented by two blanks`;
}
