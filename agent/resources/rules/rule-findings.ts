/** Makes the findings and outcomes of the rules resource. */
import type { DesiredRule } from '../../config/desired.ts';
import type { appliedAtBoot } from '../../hold/boot-apply.ts';
import type { Finding, Outcome } from '../../hold/resource.ts';
import { notOfTheseFiles } from '../../host/host.ts';
import { describeRule, type SeenRule } from '../../host/netlink/rules/policy-rule.ts';
import type { RuleKey, RuleStanding } from './rule-look.ts';

const NAME = 'rules';

export function ruleName({ family, priority }: RuleKey): string {
  return `${family} rule ${priority}`;
}

const STATES = { right: 'ok', absent: 'drifted', changed: 'drifted', none: 'unknown' } as const;

export function wantedRule(
  wanted: DesiredRule,
  standing: RuleStanding,
  atBoot: ReturnType<typeof appliedAtBoot>,
): Finding {
  const { is, reason } = standing;
  const found = { state: STATES[is], actual: actualRule(standing), ...(reason === null ? {} : { reason }) };
  const common = { moment: 'now', wanted: describeRule(wanted), ...found } as const;
  const now = { ...common, setting: `rules.${wanted.family}.${wanted.priority}` };
  return { ...common, resource: NAME, key: ruleName(wanted), kind: 'rule', settings: async () => [now, atBoot(now)] };
}

export function skippedRule(wanted: DesiredRule): Finding {
  const found = { moment: 'now', wanted: describeRule(wanted), state: 'skipped', actual: null } as const;
  const common = { ...found, reason: notOfTheseFiles() };
  const now = { ...common, setting: `rules.${wanted.family}.${wanted.priority}` };
  return { ...common, resource: NAME, key: ruleName(wanted), kind: 'rule', settings: async () => [now] };
}

/** `rules`: our rules of one priority. */
export function unwantedRules(rules: readonly SeenRule[]): Finding {
  const actual = rules.map(describeRule).join('; ');
  const common = { resource: NAME, key: ruleName(rules[0]!), kind: 'rule', moment: 'now', state: 'drifted' } as const;
  return { ...common, wanted: null, actual, settings: async () => [] };
}

/** The present rules for people; null if there are none. */
export function actualRule({ there, others }: RuleStanding): string | null {
  const all = [...(there === null ? [] : [there]), ...others];
  return all.length === 0 ? null : all.map(describeRule).join('; ');
}

export function ruleOutcome(key: string, rest: Pick<Outcome, 'result' | 'actual' | 'reason' | 'changed'>): Outcome {
  return { resource: NAME, key, moment: 'now', ...rest };
}
