/** Contradictions within `dns.split`, and between it and the other settings of `dns`. */
import type { ConfigError } from '../config-error.ts';
import { isWithin } from '../notation/split-domains.ts';
import { errorAt } from '../source/explain.ts';
import { type Tree, type TreePath, valueAt } from '../source/tree.ts';

export function splitConflicts(tree: Tree): ConfigError[] {
  const entries = valueAt(tree, ['dns', 'split']);
  if (!Array.isArray(entries)) return [];
  const paths = entries.map((_, i) => ['dns', 'split', i]);
  return [...domainsTwice(tree, paths), ...paths.flatMap((path) => unproved(tree, path))];
}

/** The schema finds a domain that one entry repeats in the same spelling. */
function domainsTwice(tree: Tree, entries: readonly TreePath[]): ConfigError[] {
  const seen = new Set<string>();
  return entries.flatMap((entry) =>
    textsAt(tree, [...entry, 'domains']).flatMap(({ text, path }) => {
      const domain = text.toLowerCase();
      if (seen.has(domain))
        return [errorAt(tree, path, 'value', `${domain} is listed above already; keep one of them`)];
      seen.add(domain);
      return [];
    }),
  );
}

/** Errors for a name that proves nothing: nobody looks it up, or it is asked elsewhere. */
function unproved(tree: Tree, entry: TreePath): ConfigError[] {
  const path = [...entry, 'verify'];
  const name = valueAt(tree, path);
  if (typeof name !== 'string') return [];
  if (valueAt(tree, ['dns', 'verify']) === undefined)
    return [
      errorAt(tree, path, 'key', 'is looked up only as a part of dns.verify; write dns.verify, or leave this out'),
    ];
  const domains = textsAt(tree, [...entry, 'domains']).map(({ text }) => text);
  if (domains.length === 0 || domains.some((domain) => isWithin(name, domain))) return [];
  return [
    errorAt(tree, path, 'value', `${name} is in none of these domains; write a name that ends with .${domains[0]}`),
  ];
}

function textsAt(tree: Tree, path: TreePath): { readonly text: string; readonly path: TreePath }[] {
  const list = valueAt(tree, path);
  if (!Array.isArray(list)) return [];
  return list.flatMap((text, i) => (typeof text === 'string' ? { text, path: [...path, i] } : []));
}
