/** Contradictions inside one entry of `rules`, and between two entries. */
import type { Prefix } from '../../address/accepted.ts';
import { type Family, familyOf } from '../../address/address.ts';
import type { ConfigError } from '../config-error.ts';
import { checkPrefix } from '../notation/addresses.ts';
import { errorAt } from '../source/explain.ts';
import { positionOf, type Tree, type TreePath, valueAt } from '../source/tree.ts';
import { ruleFamilies } from './rule-meaning.ts';

const SELECTORS = ['from', 'to', 'fwmark', 'iif', 'oif'];
const FAMILIES: readonly unknown[] = ['ipv4', 'ipv6', 'both'];

export function ruleConflicts(tree: Tree): ConfigError[] {
  const rules = valueAt(tree, ['rules']);
  if (!Array.isArray(rules)) return [];
  return [...rules.flatMap((_, i) => [...conflictsOf(tree, ['rules', i])]), ...prioritiesTwice(tree, rules.length)];
}

function* conflictsOf(tree: Tree, path: TreePath): Iterable<ConfigError> {
  const at = (key: string) => valueAt(tree, [...path, key]);
  if (SELECTORS.every((key) => at(key) === undefined)) {
    const message =
      'matches every packet; write from, to, fwmark, iif or oif (if it should, from: 0.0.0.0/0 or "::/0")';
    yield errorAt(tree, path, 'value', message);
  }
  const [from, to] = [networkAt(tree, [...path, 'from']), networkAt(tree, [...path, 'to'])];
  if (from !== null && to !== null && familyOf(from) !== familyOf(to)) {
    yield errorAt(tree, [...path, 'to'], 'value', `is of another family than ${at('from')}`);
  }
  const network = from ?? to;
  const family = at('family');
  if (network !== null && FAMILIES.includes(family) && family !== familyOf(network)) {
    const message = `is not the family of ${network}; leave family out, and write a rule for each family`;
    yield errorAt(tree, [...path, 'family'], 'value', message);
  }
}

/**
 * The kernel asks rules of one priority in the order in which they were made. A rule that was removed and put back would be
 * the last of them, so their order could not be held.
 */
function prioritiesTwice(tree: Tree, count: number): ConfigError[] {
  const first = new Map<string, number>();
  return Array.from({ length: count }, (_, i) => i).flatMap((i) => {
    const path = ['rules', i];
    const priority = valueAt(tree, [...path, 'priority']);
    const own = familiesAt(tree, path).map((family) => `${family} ${priority}`);
    const other = own.map((key) => first.get(key)).find((found) => found !== undefined);
    if (other === undefined || typeof priority !== 'number') {
      for (const key of own) first.set(key, i);
      return [];
    }
    const { file, line } = positionOf(tree, ['rules', other], 'value');
    const message = `${priority} is the priority of the rule at ${file}:${line}; give each rule of a family its own`;
    return [errorAt(tree, [...path, 'priority'], 'value', message)];
  });
}

function familiesAt(tree: Tree, path: TreePath): readonly Family[] {
  const network = networkAt(tree, [...path, 'from']) ?? networkAt(tree, [...path, 'to']);
  const family = valueAt(tree, [...path, 'family']);
  return ruleFamilies(network, family === 'ipv4' || family === 'ipv6' ? family : 'both');
}

/** null if there is none, or if its value is already wrong by itself. */
function networkAt(tree: Tree, path: TreePath): Prefix | null {
  const value = valueAt(tree, path);
  const checked = typeof value === 'string' ? checkPrefix(value) : null;
  return checked !== null && 'value' in checked ? checked.value : null;
}
