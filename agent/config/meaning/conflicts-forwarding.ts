/** Contradictions between settings of `forwarding`. */
import { type Family, familyOf } from '../../address/address.ts';
import { clientsServer } from '../../address/clients-server.ts';
import type { ConfigError } from '../config-error.ts';
import { checkNameserver, checkPrefix } from '../notation/addresses.ts';
import { fitsInterface } from '../notation/names.ts';
import { errorAt } from '../source/explain.ts';
import { type Tree, type TreePath, valueAt } from '../source/tree.ts';

export function forwardingConflicts(tree: Tree): ConfigError[] {
  return [...masqueradeConflicts(tree), ...networksUntold(tree), ...nothingToTell(tree)];
}

/** Errors for repeated rules, and for packets that are never forwarded and so never masqueraded. */
function masqueradeConflicts(tree: Tree): ConfigError[] {
  const rules = valueAt(tree, ['forwarding', 'masquerade']);
  if (!Array.isArray(rules)) return [];
  const seen: { readonly from: string; readonly out: string; readonly except: readonly unknown[] }[] = [];
  return rules.flatMap((_, i) => {
    const at = (key: string) => valueAt(tree, ['forwarding', 'masquerade', i, key]);
    const [out, from] = [at('out'), at('from')];
    const checked = typeof from === 'string' ? checkPrefix(from) : null;
    if (typeof out !== 'string' || checked === null || 'problem' in checked) return [];
    const rule = `${checked.value} out of ${out}`;
    const path = ['forwarding', 'masquerade', i];
    const family = familyOf(checked.value);
    const except = listOf(at('except'));
    const above = seen.find((one) => {
      if (one.from !== checked.value || !fitsInterface(one.out, out)) return false;
      return one.out === out || one.except.every((network) => except.includes(network));
    });
    seen.push({ from: checked.value, out, except });
    if (above !== undefined) {
      const by = above.out === out ? '' : `, by ${above.out}`;
      return [errorAt(tree, path, 'value', `${rule} is listed above already${by}; keep one of them`)];
    }
    const unfit = exceptErrors(tree, [...path, 'except'], family);
    if (valueAt(tree, ['forwarding', family]) !== false) return unfit;
    return [errorAt(tree, path, 'value', `${rule} is never forwarded: forwarding.${family} is false`), ...unfit];
  });
}

const FAMILY_NAMES = { ipv4: 'IPv4', ipv6: 'IPv6' } as const;

/** Errors for exceptions that no packet of the rule can meet, or that every packet meets. */
function exceptErrors(tree: Tree, path: TreePath, family: Family): ConfigError[] {
  return listOf(valueAt(tree, path)).flatMap((text, i) => {
    const checked = typeof text === 'string' ? checkPrefix(text) : null;
    if (checked === null || 'problem' in checked) return [];
    const own = familyOf(checked.value);
    const error = (message: string) => [errorAt(tree, [...path, i], 'value', message)];
    if (own !== family)
      return error(`${checked.value} is ${FAMILY_NAMES[own]}, and from is ${FAMILY_NAMES[family]}; take it out here`);
    return checked.value.endsWith('/0') ? error('is every destination, so nothing would be masqueraded') : [];
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

/** Errors for clients that are to get the name servers of `dns`, which has none for them. */
function nothingToTell(tree: Tree): ConfigError[] {
  const path = ['forwarding', 'dnsmasq', 'dns'];
  if (valueAt(tree, path) !== true) return [];
  const servers = valueAt(tree, ['dns', 'nameservers']);
  if (servers === undefined && valueAt(tree, ['dns', 'search']) === undefined)
    return [
      errorAt(tree, path, 'key', 'tells dns.nameservers and dns.search, and neither is configured; write one there'),
    ];
  const checked = listOf(servers).map((text) => checkNameserver(String(text)));
  const isTold = checked.some((one) => 'problem' in one || clientsServer(one.value, '') !== null);
  if (servers === undefined || isTold) return [];
  return [errorAt(tree, path, 'key', 'tells only IPv4 addresses, and dns.nameservers has none; write one there')];
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
