/** One look at the kernel's rules: whether each wanted rule exists, and which rules of ours are not wanted. */
import type { Family } from '../../address/address.ts';
import type { DesiredRule } from '../../config/desired.ts';
import { describeRuleOf, type SeenRule, sameRule } from '../../host/netlink/rules/policy-rule.ts';
import { isOurRule, listRules } from '../../host/netlink/rules/rule-list.ts';
import { protocolName } from '../../host/netlink/table-names.ts';

/** Milliseconds. The kernel answers within its system calls. */
const TIME = 20_000;

export const RULE_FAMILIES = ['ipv4', 'ipv6'] as const satisfies readonly Family[];

/** The state of one wanted rule. */
export interface RuleStanding {
  /** `changed`: ours of this priority is another one. `none`: this kernel has no rules of the family. */
  readonly is: 'right' | 'absent' | 'changed' | 'none';
  /** The equal rule, ours or another program's; null if there is none. */
  readonly there: SeenRule | null;
  /** Our other rules of this priority, which have to go. */
  readonly others: readonly SeenRule[];
  /** A note to the operator; null if there is nothing to say. */
  readonly reason: string | null;
}

export type RuleKey = Pick<DesiredRule, 'family' | 'priority'>;

export function ruleKeyText({ family, priority }: RuleKey): string {
  return `${family} ${priority}`;
}

export class RuleLook {
  readonly #all: ReadonlyMap<Family, readonly SeenRule[] | null>;

  private constructor(all: ReadonlyMap<Family, readonly SeenRule[] | null>) {
    this.#all = all;
  }

  /** Throws NetlinkError. */
  static async take(): Promise<RuleLook> {
    const all = new Map<Family, readonly SeenRule[] | null>();
    for (const family of RULE_FAMILIES) all.set(family, await listRules(family, AbortSignal.timeout(TIME)));
    return new RuleLook(all);
  }

  standing(wanted: DesiredRule): RuleStanding {
    const all = this.#all.get(wanted.family) ?? null;
    if (all === null) {
      const label = wanted.family === 'ipv4' ? 'IPv4' : 'IPv6';
      return { is: 'none', there: null, others: [], reason: `this kernel has no policy rules of ${label}` };
    }
    const level = all.filter(({ priority }) => priority === wanted.priority);
    const equal = level.filter((rule) => sameRule(wanted, rule));
    const there = equal.find(isOurRule) ?? equal[0] ?? null;
    const others = level.filter((rule) => rule !== there && isOurRule(rule));
    const is =
      there === null ? (others.length === 0 ? 'absent' : 'changed') : others.length === 0 ? 'right' : 'changed';
    return { is, there, others, reason: noteOf(there, level) };
  }

  /** Our rules, in the kernel's order. */
  ours(): SeenRule[] {
    return [...this.#all.values()].flatMap((rules) => rules?.filter(isOurRule) ?? []);
  }
}

/** `level`: all rules of this priority. The kernel asks rules of one priority in the order in which they were made. */
function noteOf(there: SeenRule | null, level: readonly SeenRule[]): string | null {
  if (there !== null && !isOurRule(there)) {
    return `another program (protocol ${protocolName(there.protocol)}) has made an equal rule, which stays`;
  }
  const foreign = level.filter((rule) => rule !== there && !isOurRule(rule)).map(describeRuleOf);
  if (foreign.length === 0) return null;
  return `other programs have rules of this priority, and the oldest rule is asked first: ${foreign.join('; ')}`;
}
