/**
 * Errors in `sysctl` beyond single names and texts: values that do not fit their key, and keys that contradict each
 * other.
 */
import type { ConfigError } from '../config-error.ts';
import { checkSysctlKey } from '../notation/sysctl-keys.ts';
import { errorAt } from '../source/explain.ts';
import { positionOf, type Tree, type TreePath, valueAt } from '../source/tree.ts';
import { acceptsAdvertisements } from '../sysctl/advertisement-sysctls.ts';
import { forwardingKeyOf } from '../sysctl/forwarding-sysctls.ts';
import { meansSame } from '../sysctl/kinds.ts';
import { atLeastProblem, sysctlKeyProblem, sysctlValueProblem } from '../sysctl/problems.ts';
import { sysctlVariable, sysctlVariableOrTwin } from '../sysctl/relations.ts';

interface SysctlKey {
  readonly key: string;
  /** Below /proc/sys. */
  readonly path: string;
  /** The text of the value in the tree; null if there is none. */
  readonly value: { readonly at: TreePath; readonly text: string } | null;
  readonly hasAtLeast: boolean;
}

export function sysctlConflicts(tree: Tree): ConfigError[] {
  const keys = sysctlKeys(tree);
  return [
    ...keys.flatMap((one) => ofKind(tree, one)),
    ...twice(tree, keys),
    ...keys.flatMap((one) => ofForwarding(tree, one)),
    ...keys.flatMap((one) => ofAdvertisements(tree, one)),
  ];
}

function sysctlKeys(tree: Tree): SysctlKey[] {
  const value = valueAt(tree, ['sysctl']);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.keys(value).flatMap((key) => {
    const checked = checkSysctlKey(key);
    if ('problem' in checked) return [];
    const short = ['sysctl', key];
    const at = isScalar(valueAt(tree, short)) ? short : [...short, 'value'];
    const text = valueAt(tree, at);
    const hasAtLeast = valueAt(tree, [...short, 'atLeast']) !== undefined;
    return [{ key, path: checked.value, value: isScalar(text) ? { at, text: String(text) } : null, hasAtLeast }];
  });
}

function isScalar(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

function ofKind(tree: Tree, { key, path, value, hasAtLeast }: SysctlKey): ConfigError[] {
  const wrong = sysctlKeyProblem(path);
  if (wrong !== undefined) return [errorAt(tree, ['sysctl', key], 'key', wrong)];
  const bound = hasAtLeast ? atLeastProblem(path) : undefined;
  if (bound !== undefined) return [errorAt(tree, ['sysctl', key, 'atLeast'], 'key', bound)];
  const problem = value === null ? undefined : sysctlValueProblem(path, value.text);
  return value === null || problem === undefined ? [] : [errorAt(tree, value.at, 'value', problem)];
}

/** Errors for two keys of one kernel variable: another spelling, another name, or other units. */
function twice(tree: Tree, keys: readonly SysctlKey[]): ConfigError[] {
  const first = new Map<string, SysctlKey>();
  return keys.flatMap((one) => {
    const variable = sysctlVariableOrTwin(one.path);
    const other = first.get(variable);
    if (other === undefined) {
      first.set(variable, one);
      return [];
    }
    const { file, line } = positionOf(tree, ['sysctl', other.key], 'key');
    const where = `${other.key} of ${file}:${line}`;
    const about = (message: string) => [errorAt(tree, ['sysctl', one.key], 'key', `${message}; keep one of them`)];
    if (one.path === other.path) return about(`is another spelling of ${where}`);
    if (sysctlVariable(one.path) !== sysctlVariable(other.path)) {
      return about(`is the same variable of the kernel as ${where}, in other units`);
    }
    const agree = one.value !== null && other.value !== null && meansSame(one.path, one.value.text, other.value.text);
    return agree ? [] : about(`is the same variable of the kernel as ${where}, and the two contradict each other`);
  });
}

/** Also for a single interface, because `forwarding` covers every interface. */
function ofForwarding(tree: Tree, { key, path }: SysctlKey): ConfigError[] {
  const setting = forwardingKeyOf(path);
  if (setting === null || valueAt(tree, ['forwarding', setting]) === undefined) return [];
  return [errorAt(tree, ['sysctl', key], 'key', `forwarding.${setting} sets this already; write it only there`)];
}

/** A value other than 0 would bring back what `dhcp` ignores; 0 says the same twice. */
function ofAdvertisements(tree: Tree, { key, path }: SysctlKey): ConfigError[] {
  const name = acceptsAdvertisements(path);
  if (name === null) return [];
  const scopes = [['dhcp'], ['dhcp', 'interfaces', name]];
  const scope = scopes.find((one) => {
    const ignored = valueAt(tree, [...one, 'ignore']);
    return Array.isArray(ignored) && ignored.includes('router-advertisements');
  });
  if (scope === undefined) return [];
  const message = `${scope.join('.')}.ignore of router-advertisements sets this to 0 already; keep one of the two`;
  return [errorAt(tree, ['sysctl', key], 'key', message)];
}
