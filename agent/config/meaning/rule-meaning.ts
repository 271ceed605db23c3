/** A checked entry of `rules` → the policy rules that the kernel should hold, one for each family. */
import type { Prefix } from '../../address/accepted.ts';
import { type Family, familyOf } from '../../address/address.ts';
import type { DesiredRule } from '../desired.ts';
import { checkPrefix } from '../notation/addresses.ts';
import { checkInterfaceName } from '../notation/names.ts';
import { checkTable } from '../notation/route-notation.ts';
import { checkMark } from '../notation/rule-notation.ts';
import type { Config } from '../schema/config-schema.ts';
import { meantBy } from './meant-by.ts';

type Rule = NonNullable<Config['rules']>[number];

export function desiredRules(rule: Rule): DesiredRule[] {
  const { priority, fwmark, iif, oif } = rule;
  const [from, to] = [network(rule.from), network(rule.to)];
  return ruleFamilies(from ?? to, rule.family).map((family) => ({
    family,
    priority,
    from: narrow(from),
    to: narrow(to),
    mark: fwmark === undefined ? null : meantBy(checkMark(fwmark)),
    iif: iif === undefined ? null : meantBy(checkInterfaceName(iif)),
    oif: oif === undefined ? null : meantBy(checkInterfaceName(oif)),
    table: meantBy(checkTable(rule.table)),
  }));
}

/** The families of a rule with this network, or with this `family` if it has no network. */
export function ruleFamilies(network: Prefix | null, family: Rule['family'] = 'both'): readonly Family[] {
  if (network !== null) return [familyOf(network)];
  return family === 'both' ? ['ipv4', 'ipv6'] : [family];
}

function network(text: string | undefined): Prefix | null {
  return text === undefined ? null : meantBy(checkPrefix(text));
}

/** null for a network of all addresses, which the kernel does not note. */
function narrow(prefix: Prefix | null): Prefix | null {
  return prefix?.endsWith('/0') ? null : prefix;
}
