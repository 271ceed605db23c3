/** Contradictions in `confirm`: what only a collector can do needs one. */
import type { ConfigError } from '../config-error.ts';
import { errorAt } from '../source/explain.ts';
import { type Tree, type TreePath, valueAt } from '../source/tree.ts';

export function confirmConflicts(tree: Tree): ConfigError[] {
  const at = (...path: TreePath) => valueAt(tree, ['confirm', ...path]);
  const local = at('by') === 'local';
  if (!local && valueAt(tree, ['report', 'endpoint']) !== undefined) return [];
  const why = local ? 'by is local' : 'there is no report.endpoint';
  const needing = (path: TreePath, what: string) =>
    at(...path) === undefined
      ? []
      : [
          errorAt(
            tree,
            ['confirm', ...path],
            'value',
            `needs the collector ${what}, and ${why}; take one of the two out`,
          ),
        ];
  const also = at('also');
  return [
    ...(at('by') === 'collector' ? needing(['by'], 'itself') : []),
    ...needing(['inbound'], 'to connect to this port'),
    ...(at('waves') === false ? [] : needing(['waves'], 'to admit hosts')),
    ...(Array.isArray(also) ? also.flatMap((_, nth) => needing(['also', nth, 'host'], 'to hear that host')) : []),
  ];
}
