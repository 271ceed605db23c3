/** Turns the schema's issues into errors for people, with place and remedy. */
import type * as z from 'zod/mini';
import { type ConfigError, show } from '../config-error.ts';
import { entryForms, type Fit, meant } from '../hints/meant.ts';
import { lineProblem } from '../hints/slips.ts';
import { didYouMean, synonym } from '../hints/suggest.ts';
import { flow } from '../yaml-text.ts';
import { formatPath, plain, positionOf, type Tree, type TreePath, valueAt, withValue } from './tree.ts';

type Issue = z.core.$ZodIssue;

/** The knowledge that explains an issue, beside the issue itself. */
interface Grounds {
  readonly tree: Tree;
  /** The issues of another configuration, given as a plain value. */
  readonly check: (configuration: unknown) => readonly Issue[];
  /** The errors between settings of the configuration that are right each by itself. */
  readonly conflicts: (configuration: unknown) => readonly ConfigError[];
  /** A value that is right in that place; undefined if none is known. */
  readonly example: (path: TreePath) => unknown;
  /** The keys of each section. */
  readonly sections: Readonly<Record<string, readonly string[]>>;
}

export function explain(issues: readonly Issue[], grounds: Grounds): ConfigError[] {
  // An unknown key is often a misspelt missing key, so its error comes first.
  const unknown = ({ code }: Issue) => code === 'unrecognized_keys';
  const inOrder = [...issues.filter(unknown), ...issues.filter((issue) => !unknown(issue))];
  return inOrder.flatMap((issue) => explainIssue(issue, [], grounds));
}

/** An error about the value (or the key) at a path of the tree. */
export function errorAt(tree: Tree, path: TreePath, part: 'key' | 'value', message: string): ConfigError {
  return { ...positionOf(tree, path, part), path: formatPath(path), message };
}

function explainIssue(issue: Issue, above: TreePath, grounds: Grounds): ConfigError[] {
  const { tree } = grounds;
  const path = [...above, ...(issue.path as TreePath)];
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = issue.message.split(' ');
      const item = itemOfEntry(path, known, grounds);
      if (item !== null) return [errorAt(tree, path, 'value', item)];
      return issue.keys.map((key) =>
        errorAt(tree, [...path, key], 'key', `unknown key${keyHint(key, known, path, grounds)}`),
      );
    }
    case 'invalid_key':
      return issue.issues.map(({ message }) => errorAt(tree, path, 'key', message));
    case 'invalid_union': {
      // The branch for the value's type has a better message than "none of them".
      const branch = issue.errors.find(
        (errors) => !errors.some((inner) => inner.path.length === 0 && inner.code === 'invalid_type'),
      );
      if (branch && branch.length > 0) return branch.flatMap((inner) => explainIssue(inner, path, grounds));
      const value = valueAt(tree, path);
      const none = value === undefined ? MISSING : value === null ? emptyProblem(path) : issue.message;
      return [errorAt(tree, path, 'value', none)];
    }
    case 'invalid_value': {
      const known = issue.values.map(String);
      const value = valueAt(tree, path);
      const words = typeof value === 'string' ? value.split(/[\s,;]+/) : [];
      const hint =
        words.length > 1 && typeof path.at(-1) === 'number' && words.every((word) => known.includes(word))
          ? `; write ${words.join(', ')}`
          : didYouMean(plainWord(value), known);
      return [errorAt(tree, path, 'value', `${show(value)} is not known${hint}`)];
    }
    case 'invalid_type':
      return [errorAt(tree, path, 'value', typeProblem(issue, path, grounds))];
    default:
      return [errorAt(tree, path, 'value', issue.message)];
  }
}

/** The text of a plain value. A list or a map is no word that could be near a known word. */
function plainWord(value: unknown): string {
  return value !== null && typeof value === 'object' ? '' : String(value);
}

/** `{ net.ipv4.ip_forward:1 }` is a key without a value to YAML. */
function emptyProblem(path: TreePath): string {
  const slip = lineProblem(String(path.at(-1)));
  return slip ?? 'is empty; write a value, or leave the key out';
}

const MISSING = 'is missing; write it';
const ZODS_OWN_MESSAGE = 'Invalid input';

function typeProblem(
  { expected, message }: { expected: string; message: string },
  path: TreePath,
  grounds: Grounds,
): string {
  const { tree, check, example } = grounds;
  const value = valueAt(tree, path);
  if (value === null) return emptyProblem(path);
  if (value === undefined) return MISSING;
  if (message !== ZODS_OWN_MESSAGE) return message;
  const { whole, at } = alone(plain(tree), path);
  const fit = fitAt(path, grounds);
  const probe = expected === 'array' ? [{ [NO_KEY]: 0 }] : { [NO_KEY]: 0 };
  const known = check(withValue(whole, at, probe)).flatMap((issue) =>
    issue.code === 'unrecognized_keys' && issue.keys.includes(NO_KEY) ? issue.message.split(' ') : [],
  );
  const onOwnLine = positionOf(tree, path, 'key').line !== positionOf(tree, path, 'value').line;
  const hint = meant(value, { expected, onOwnLine, fit, keys: known });
  if (hint !== null) return hint;
  const right = example(path);
  if (right !== undefined && right !== null && typeof right === 'object')
    return `write ${expected === 'array' ? 'a list' : 'keys'}, such as ${flow(right)}`;
  if (expected === 'array') return 'write a list: [first, second]';
  if (expected === 'object' || expected === 'record')
    return `write keys with their values below it${known.length === 0 ? '' : `: ${known.join(', ')}`}`;
  if (expected === 'string')
    return typeof value !== 'object' ? `${show(value)} is not text; write it in quotes: "${value}"` : 'write one text';
  return `write ${expected === 'int' ? 'a whole number' : expected}`;
}

function fitAt(path: TreePath, { tree, check, conflicts }: Grounds): (candidate: unknown) => Fit {
  const { whole, at } = alone(plain(tree), path);
  return (candidate) => {
    const configuration = withValue(whole, at, candidate);
    const fit = fitOf(check(configuration), at);
    return fit === 'good' && conflicts(configuration).some((error) => isBelow(error.path, at)) ? 'shape' : fit;
  };
}

/** `- 10.1.0.0/16: 10.0.0.1`: an item of a list whose only key is a value; null if the item has another form. */
function itemOfEntry(path: TreePath, known: readonly string[], grounds: Grounds): string | null {
  const value = valueAt(grounds.tree, path);
  if (typeof path.at(-1) !== 'number' || value === null || typeof value !== 'object') return null;
  if (Object.keys(value).length !== 1) return null;
  const fit = fitAt(path, grounds);
  const [item] = entryForms(value as Record<string, unknown>, known)
    .flat()
    .filter((one) => fit(one) === 'good');
  return item === undefined ? null : `write ${flow(item)}`;
}

/** A key that no section has. */
const NO_KEY = '?';

/**
 * The section around a value, and the value's path in the section. Other items of lists are left out, because they may
 * be many.
 */
function alone(whole: unknown, path: TreePath): { whole: unknown; at: TreePath } {
  const [step, ...rest] = path;
  if (step === undefined) return { whole, at: [] };
  const below = alone((whole as Record<string | number, unknown>)[step], rest);
  if (typeof step === 'number') return { whole: [below.whole], at: [0, ...below.at] };
  return { whole: { ...(whole as object), [step]: below.whole }, at: [step, ...below.at] };
}

function isBelow(text: string, path: TreePath): boolean {
  const above = formatPath(path);
  return text === above || text.startsWith(`${above}.`) || text.startsWith(`${above}[`);
}

/** How far another value would fit at this path, by the issues that remain. */
function fitOf(issues: readonly Issue[], path: TreePath): Fit {
  const isAt = (issue: Issue, length: number) => path.slice(0, length).every((step, i) => issue.path[i] === step);
  // An issue of a union covers every issue inside the union.
  if (issues.some((issue) => issue.code === 'invalid_union' && isAt(issue, issue.path.length))) return 'none';
  const below = issues.filter((issue) => isAt(issue, path.length));
  if (below.length === 0) return 'good';
  return below.some(({ code }) => /^(invalid_(type|union|key)|unrecognized_keys)$/.test(code)) ? 'none' : 'shape';
}

/** The likely meaning of an unknown key. */
function keyHint(key: string, known: readonly string[], path: TreePath, { sections }: Grounds): string {
  const [, name = '', rest = ''] = /^([\w-]+)[:=](.*)$/s.exec(key) ?? [];
  if (known.includes(name)) return `; a blank is missing after the colon; write ${name}: ${rest.trim()}`.trimEnd();
  const other = synonym(key, known);
  if (other !== null) return `; write ${other}`;
  const nearest = didYouMean(key, known);
  if (nearest.includes('did you mean')) return nearest;
  if (path[0] === 'sysctl' && path.length === 2) return `; a key of the kernel is one word: write ${path[1]}.${key}`;
  // A key that is too deep may belong to its own section.
  const others = Object.keys(sections).filter((section) => section !== path[0]);
  const homes = path.length > 1 ? [String(path[0]), ...others].filter((section) => section in sections) : others;
  const owner = homes.find((section) => sections[section]!.includes(key));
  if (owner !== undefined) return `; it belongs below "${owner}:", indented by two blanks`;
  const home = homes.find((section) => meantBy(key, sections[section]!) !== null);
  if (home === undefined) return nearest;
  return `; write ${meantBy(key, sections[home]!)} below "${home}:", indented by two blanks`;
}

function meantBy(key: string, known: readonly string[]): string | null {
  return synonym(key, known) ?? /did you mean "(.+)"/.exec(didYouMean(key, known))?.[1] ?? null;
}
