/** What the schema found wrong → errors for people: where it stands and what would be right. */
import type * as z from 'zod/mini';
import { type ConfigError, show } from './errors.ts';
import { didYouMean } from './suggest.ts';
import { formatPath, positionOf, type Tree, type TreePath, valueAt } from './tree.ts';

type Issue = z.core.$ZodIssue;

export function explain(issues: readonly Issue[], tree: Tree): ConfigError[] {
  return issues.flatMap((issue) => explainIssue(issue, [], tree));
}

/** An error about the value (or the key) at a path of the tree. */
export function errorAt(tree: Tree, path: TreePath, part: 'key' | 'value', message: string): ConfigError {
  return { ...positionOf(tree, path, part), path: formatPath(path), message };
}

function explainIssue(issue: Issue, above: TreePath, tree: Tree): ConfigError[] {
  const path = [...above, ...(issue.path as TreePath)];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) =>
        errorAt(tree, [...path, key], 'key', `unknown key${didYouMean(key, issue.message.split(' '))}`),
      );
    case 'invalid_key':
      return issue.issues.map(({ message }) => errorAt(tree, path, 'key', message));
    case 'invalid_union': {
      // The branch that has the value's type knows more than "none of them".
      const branch = issue.errors.find(
        (errors) => !errors.some((inner) => inner.path.length === 0 && inner.code === 'invalid_type'),
      );
      if (branch && branch.length > 0) return branch.flatMap((inner) => explainIssue(inner, path, tree));
      return [errorAt(tree, path, 'value', valueAt(tree, path) === null ? EMPTY : issue.message)];
    }
    case 'invalid_value': {
      const known = issue.values.map(String);
      const value = valueAt(tree, path);
      return [errorAt(tree, path, 'value', `${show(value)} is not known${didYouMean(String(value), known)}`)];
    }
    case 'invalid_type':
      return [errorAt(tree, path, 'value', typeProblem(issue, valueAt(tree, path)))];
    default:
      return [errorAt(tree, path, 'value', issue.message)];
  }
}

const EMPTY = 'is empty; write a value, or leave the key out';
const ZODS_OWN_MESSAGE = 'Invalid input';

function typeProblem({ expected, message }: { expected: string; message: string }, value: unknown): string {
  if (value === null) return EMPTY;
  if (value === undefined) return 'is missing; write it';
  if (message !== ZODS_OWN_MESSAGE) return message;
  const scalar = typeof value !== 'object';
  if (expected === 'array') return scalar ? `write a list: [${value}]` : 'write a list: [first, second]';
  if (expected === 'object' || expected === 'record') return 'write keys with their values below it';
  if (expected === 'string')
    return scalar ? `${show(value)} is not text; write it in quotes: "${value}"` : 'write one text';
  return `write ${expected === 'int' ? 'a whole number' : expected}`;
}
