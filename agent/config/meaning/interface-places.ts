/**
 * The places of a configuration that name an interface. The kernel, nft(8) and DHCP clients know an interface there only by
 * its own name, not by an alternative name (ip-link(8), `altname`).
 */
import type { ConfigError } from '../config-error.ts';
import { sysctlPath } from '../notation/sysctl-keys.ts';
import { errorAt } from '../source/explain.ts';
import { type Tree, type TreePath, valueAt } from '../source/tree.ts';

interface NamedInterface {
  readonly name: string;
  readonly path: TreePath;
  /** Whether the name is in the key or in the value at `path`. */
  readonly part: 'key' | 'value';
}

/** Any key of a map, or any item of a list. */
const ANY = '*';
const SCOPES = ['dhcp', 'dhclient'];

/** Values that are an interface's name as a whole. */
export const INTERFACE_VALUES: readonly TreePath[] = [
  ['routes', ANY, 'dev'],
  ['routes', ANY, 'nexthops', ANY, 'dev'],
  ['rules', ANY, 'iif'],
  ['rules', ANY, 'oif'],
  ['forwarding', 'masquerade', ANY, 'out'],
  ['expect', 'groups', ANY, 'dev'],
];
/** Maps with names of interfaces as their keys. */
export const INTERFACE_KEYS: readonly TreePath[] = SCOPES.map((scope) => [scope, 'interfaces', ANY]);
/** Link-local addresses end with their interface: `fe80::1%eth0`. */
const ZONED: readonly TreePath[] = [
  ['dns', 'nameservers', ANY],
  ['dns', 'split', ANY, 'servers', ANY],
];
const OF_NO_INTERFACE = ['all', 'default'];

function namedInterfaces(tree: Tree): NamedInterface[] {
  const values = (patterns: readonly TreePath[], nameIn: (text: string) => string | undefined) =>
    patterns
      .flatMap((pattern) => pathsOf(tree, pattern))
      .map((path) => ({ path, part: 'value' as const, name: nameIn(String(valueAt(tree, path))) }));
  const keys = (patterns: readonly TreePath[], nameIn: (key: string) => string | undefined) =>
    patterns
      .flatMap((pattern) => pathsOf(tree, pattern))
      .map((path) => ({ path, part: 'key' as const, name: nameIn(String(path.at(-1))) }));
  const found = [
    ...values(INTERFACE_VALUES, (text) => text),
    ...values(ZONED, (text) => /%(.+)$/s.exec(text)?.[1]),
    ...keys(INTERFACE_KEYS, (key) => key),
    ...keys([['sysctl', ANY]], (key) => /^net\/\w+\/(?:conf|neigh)\/([^/]+)\//.exec(sysctlPath(key))?.[1]),
  ];
  return found.flatMap(({ name, ...place }) =>
    name === undefined || OF_NO_INTERFACE.includes(name) ? [] : { ...place, name },
  );
}

/** The own names of interfaces on this host, by those of `names` that are alternative names. */
export type OwnNames = (names: readonly string[]) => Promise<ReadonlyMap<string, string>>;

/** The errors, and in place of those about an alternative name the name to write. */
export async function withOwnNames(
  tree: Tree,
  errors: readonly ConfigError[],
  ownNames: OwnNames,
): Promise<readonly ConfigError[]> {
  const named = namedInterfaces(tree);
  if (named.length === 0) return errors;
  const own = await ownNames(named.map(({ name }) => name));
  const found = named.flatMap(({ name, path, part }) => {
    const other = own.get(name);
    if (other === undefined) return [];
    return [errorAt(tree, path, part, `${other} is the interface with the alternative name ${name}; write ${other}`)];
  });
  const isNew = (one: ConfigError) => !errors.some((error) => isAtSamePlace(error, one));
  return [...errors.map((error) => found.find((one) => isAtSamePlace(error, one)) ?? error), ...found.filter(isNew)];
}

function isAtSamePlace(a: ConfigError, b: ConfigError): boolean {
  return a.file === b.file && a.line === b.line && a.column === b.column;
}

/** The places that fit the pattern and that the configuration has. */
function pathsOf(tree: Tree, pattern: TreePath): TreePath[] {
  let found: TreePath[] = [[]];
  for (const step of pattern) {
    found = found.flatMap((path) => {
      const value = valueAt(tree, path);
      if (value === null || typeof value !== 'object') return [];
      const steps = Array.isArray(value) ? value.map((_, i) => i) : Object.keys(value);
      return (step === ANY ? steps : steps.filter((one) => one === step)).map((one) => [...path, one]);
    });
  }
  return found;
}
