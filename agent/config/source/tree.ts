/** A configuration as written: values that keep the file, line and column that they came from. */
import type { Position } from '../config-error.ts';

export type Tree = TreeScalar | TreeList | TreeMap;

export interface TreeScalar {
  readonly kind: 'scalar';
  readonly at: Position;
  readonly value: string | number | boolean | null;
}

export interface TreeList {
  readonly kind: 'list';
  readonly at: Position;
  readonly items: readonly Tree[];
}

export interface TreeMap {
  readonly kind: 'map';
  readonly at: Position;
  /** `at` is the key's own position. */
  readonly entries: ReadonlyMap<string, { readonly at: Position; readonly value: Tree }>;
}

export type TreePath = readonly (string | number)[];

/** Maps are merged deeply; a list or a scalar of `over` replaces the value in `under`. */
export function mergeMaps(under: TreeMap, over: TreeMap): TreeMap {
  const entries = new Map(under.entries);
  for (const [key, entry] of over.entries) {
    const old = entries.get(key)?.value;
    const both = old?.kind === 'map' && entry.value.kind === 'map';
    entries.set(key, both ? { at: entry.at, value: mergeMaps(old, entry.value) } : entry);
  }
  return { kind: 'map', at: over.at, entries };
}

/** The values without positions. Maps become objects without a prototype. */
export function plain(tree: Tree): unknown {
  if (tree.kind === 'scalar') return tree.value;
  if (tree.kind === 'list') return tree.items.map(plain);
  const object: Record<string, unknown> = Object.create(null);
  for (const [key, { value }] of tree.entries) object[key] = plain(value);
  return object;
}

const NOWHERE: Position = { file: '', line: 0, column: 0 };

/** A value without a place in any file. */
export function treeOf(value: unknown): Tree {
  if (Array.isArray(value)) return { kind: 'list', at: NOWHERE, items: value.map(treeOf) };
  if (value === null || typeof value !== 'object')
    return { kind: 'scalar', at: NOWHERE, value: (value ?? null) as string | number | boolean | null };
  const entries = Object.entries(value).map(([key, one]) => [key, { at: NOWHERE, value: treeOf(one) }] as const);
  return { kind: 'map', at: NOWHERE, entries: new Map(entries) };
}

/** The place of a value or of its key. For a missing value: the place of the nearest part around it. */
export function positionOf(tree: Tree, path: TreePath, part: 'key' | 'value'): Position {
  const [step, ...rest] = path;
  if (step === undefined) return tree.at;
  if (tree.kind === 'list') {
    const item = tree.items[Number(step)];
    return item ? positionOf(item, rest, part) : tree.at;
  }
  const entry = tree.kind === 'map' ? tree.entries.get(String(step)) : undefined;
  if (!entry) return tree.at;
  return rest.length === 0 && part === 'key' ? entry.at : positionOf(entry.value, rest, part);
}

/** `dns.nameservers[2]` */
export function formatPath(path: TreePath): string {
  return path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`)).join('');
}

/** The plain value at a path; undefined if missing. */
export function valueAt(tree: Tree, path: TreePath): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return plain(tree);
  if (tree.kind === 'scalar') return undefined;
  const below = tree.kind === 'list' ? tree.items[Number(step)] : tree.entries.get(String(step))?.value;
  return below && valueAt(below, rest);
}

/** A plain value in which the part at the path is replaced. */
export function withValue(whole: unknown, [step, ...rest]: TreePath, value: unknown): unknown {
  if (step === undefined) return value;
  const copy: Record<string | number, unknown> = Array.isArray(whole)
    ? ([...whole] as never)
    : { ...(whole as object) };
  copy[step] = withValue(copy[step], rest, value);
  return copy;
}
