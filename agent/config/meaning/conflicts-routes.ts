/** Contradictions inside one entry of `routes`, and between two entries. */
import { familyOf } from '../../address/address.ts';
import type { Checked, ConfigError } from '../config-error.ts';
import {
  checkAddress,
  checkGateway,
  checkTable,
  DEFAULT_TABLE,
  defaultMetric,
  destination,
  familyOfGateway,
} from '../notation/route-notation.ts';
import { errorAt } from '../source/explain.ts';
import { positionOf, type Tree, type TreePath, valueAt } from '../source/tree.ts';

export function routeConflicts(tree: Tree): ConfigError[] {
  const routes = valueAt(tree, ['routes']);
  if (!Array.isArray(routes)) return [];
  return [...routes.flatMap((_, i) => [...conflictsOf(tree, ['routes', i])]), ...twice(tree, routes.length)];
}

function* conflictsOf(tree: Tree, path: TreePath): Iterable<ConfigError> {
  const at = (...keys: (string | number)[]) => valueAt(tree, [...path, ...keys]);
  const error = (key: string, message: string) => errorAt(tree, [...path, key], 'key', message);
  if (at('type') !== undefined && at('type') !== 'unicast') {
    for (const key of ['via', 'dev', 'onlink', 'nexthops', 'nhid', 'src', 'mtu']) {
      if (at(key) !== undefined) yield error(key, `a route of type ${at('type')} leads nowhere; leave this out`);
    }
  } else if (at('nhid') !== undefined) {
    for (const key of ['via', 'dev', 'onlink', 'nexthops']) {
      if (at(key) !== undefined) yield error(key, 'is set by the nexthop object; leave out either this key or nhid');
    }
  } else if (at('nexthops') !== undefined) {
    for (const key of ['via', 'dev', 'onlink']) {
      if (at(key) !== undefined) yield error(key, 'belongs into each entry of nexthops; write it there');
    }
    const nexthops = at('nexthops');
    if (Array.isArray(nexthops)) for (const i of nexthops.keys()) yield* nexthopConflicts(tree, path, ['nexthops', i]);
  } else yield* nexthopConflicts(tree, path, []);

  const own = destinationAt(tree, path);
  if (own === null) {
    if (at('to') === 'default') {
      const message = 'has no family; write 0.0.0.0/0 or "::/0"';
      yield errorAt(tree, [...path, 'to'], 'value', message);
    }
    return;
  }
  const src = addressAt(tree, [...path, 'src'], checkAddress);
  if (src !== null && familyOf(src) !== own.family) yield error('src', `is of another family than ${at('to')}`);
  if (own.family === 'ipv6' && at('metric') === 0) yield error('metric', 'IPv6 has no metric 0; write 1 or more');
  const mtu = at('mtu');
  if (own.family === 'ipv6' && typeof mtu === 'number' && mtu >= 68 && mtu < 1280) {
    yield error('mtu', 'IPv6 needs 1280 bytes at least (RFC 8200)');
  }
}

function* nexthopConflicts(tree: Tree, route: TreePath, hop: TreePath): Iterable<ConfigError> {
  const path = [...route, ...hop];
  const has = (key: string) => valueAt(tree, [...path, key]) !== undefined;
  if (!has('via') && !has('dev')) yield errorAt(tree, path, 'value', 'leads nowhere; write via, or dev, or a type');
  if (has('onlink') && !has('via')) yield errorAt(tree, [...path, 'onlink'], 'key', 'needs a gateway; also write via');
  if (has('onlink') && !has('dev'))
    yield errorAt(tree, [...path, 'onlink'], 'key', 'needs the interface; also write dev');
  const via = addressAt(tree, [...path, 'via'], checkGateway);
  const own = destinationAt(tree, route);
  if (own?.family === 'ipv6' && hop.length > 0 && !has('via') && has('dev')) {
    yield errorAt(tree, path, 'value', 'IPv6 spreads flows only among gateways; also write via');
  }
  if (via === null) return;
  if (/^fe[89ab]/i.test(via) && !has('dev')) {
    yield errorAt(tree, [...path, 'via'], 'value', 'is link-local and needs its interface; also write dev');
  }
  if (own?.family === 'ipv6' && familyOfGateway(via) === 'ipv4') {
    yield errorAt(
      tree,
      [...path, 'via'],
      'value',
      'is an IPv4 gateway, which cannot serve an IPv6 destination; write an IPv6 gateway',
    );
  }
}

function twice(tree: Tree, count: number): ConfigError[] {
  const first = new Map<string, number>();
  return Array.from({ length: count }, (_, i) => i).flatMap((i) => {
    const path = ['routes', i];
    const own = destinationAt(tree, path);
    if (own === null) return [];
    const table = checkTable((valueAt(tree, [...path, 'table']) as string | number | undefined) ?? DEFAULT_TABLE);
    const metric = valueAt(tree, [...path, 'metric']) ?? defaultMetric(own.family);
    const identity = JSON.stringify([own, table, metric]);
    const other = first.get(identity);
    if (other === undefined) {
      first.set(identity, i);
      return [];
    }
    const { file, line } = positionOf(tree, ['routes', other], 'value');
    const message = `has destination, table and metric of the route at ${file}:${line}; keep one, or write nexthops`;
    return [errorAt(tree, path, 'value', message)];
  });
}

/** null if the destination is unknown, or if its value is already wrong by itself. */
function destinationAt(tree: Tree, path: TreePath) {
  const to = valueAt(tree, [...path, 'to']);
  const nexthops = valueAt(tree, [...path, 'nexthops']);
  const hops = Array.isArray(nexthops) ? nexthops.map((_, i) => ['nexthops', i, 'via']) : [];
  const gateways = [['via'], ...hops].map((keys) => addressAt(tree, [...path, ...keys], checkGateway));
  return typeof to === 'string' ? destination(to, gateways.find((gateway) => gateway !== null) ?? undefined) : null;
}

function addressAt<Text extends string>(
  tree: Tree,
  path: TreePath,
  check: (text: string) => Checked<Text>,
): Text | null {
  const value = valueAt(tree, path);
  const checked = typeof value === 'string' ? check(value) : null;
  return checked !== null && 'value' in checked ? checked.value : null;
}
