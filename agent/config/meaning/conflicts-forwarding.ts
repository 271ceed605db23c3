/** Contradictions between settings of `forwarding`. */
import { familyOf } from '../../address/address.ts';
import type { ConfigError } from '../config-error.ts';
import { checkPrefix } from '../notation/addresses.ts';
import { errorAt } from '../source/explain.ts';
import { type Tree, valueAt } from '../source/tree.ts';

export function forwardingConflicts(tree: Tree): ConfigError[] {
  return [...masqueradeConflicts(tree), ...networksUntold(tree)];
}

/** Errors for repeated rules, and for packets that are never forwarded and so never masqueraded. */
function masqueradeConflicts(tree: Tree): ConfigError[] {
  const rules = valueAt(tree, ['forwarding', 'masquerade']);
  if (!Array.isArray(rules)) return [];
  const seen = new Set<string>();
  return rules.flatMap((_, i) => {
    const at = (key: string) => valueAt(tree, ['forwarding', 'masquerade', i, key]);
    const [out, from] = [at('out'), at('from')];
    const checked = typeof from === 'string' ? checkPrefix(from) : null;
    if (typeof out !== 'string' || checked === null || 'problem' in checked) return [];
    const rule = `${checked.value} out of ${out}`;
    const path = ['forwarding', 'masquerade', i];
    const family = familyOf(checked.value);
    const first = !seen.has(rule);
    seen.add(rule);
    if (!first) return [errorAt(tree, path, 'value', `${rule} is listed above already; keep one of them`)];
    if (valueAt(tree, ['forwarding', family]) !== false) return [];
    return [errorAt(tree, path, 'value', `${rule} is never forwarded: forwarding.${family} is false`)];
  });
}

/** Errors for several networks of dnsmasq without distinct tags, by which each client gets its own routes. */
function networksUntold(tree: Tree): ConfigError[] {
  const networks = valueAt(tree, ['forwarding', 'dnsmasq', 'networks']);
  if (!Array.isArray(networks) || networks.length < 2) return [];
  const seen = new Set<unknown>();
  return networks.flatMap((_, i) => {
    const path = ['forwarding', 'dnsmasq', 'networks', i];
    const tag = valueAt(tree, [...path, 'tag']);
    if (tag === undefined) return [errorAt(tree, path, 'value', 'is one of several networks; give each its own tag')];
    const first = !seen.has(tag);
    seen.add(tag);
    return first
      ? []
      : [errorAt(tree, [...path, 'tag'], 'value', `${tag} is used above already; give each network its own tag`)];
  });
}
