/**
 * The rules resource if there are rules to keep: findings of each wanted rule, and of our rules that are no longer wanted. A new
 * rule is added before an old one is deleted, so that no packet misses both.
 */
import type { DesiredRule } from '../../config/desired.ts';
import { appliedAtBoot } from '../../hold/boot-apply.ts';
import type { Finding, Outcome } from '../../hold/resource.ts';
import type { Host } from '../../host/host.ts';
import type { SeenRule } from '../../host/netlink/rules/policy-rule.ts';
import { addRule, deleteOurRule } from '../../host/netlink/rules/rule-list.ts';
import { NetlinkSocket } from '../../host/netlink/socket.ts';
import { pruneRuleRecord, rememberRules, removeRuleRecord } from './made.ts';
import { actualRule, ruleName, ruleOutcome, skippedRule, unwantedRules, wantedRule } from './rule-findings.ts';
import { RuleLook, type RuleStanding, ruleKeyText } from './rule-look.ts';

/** Milliseconds for one pass over all rules. The kernel answers within its system calls. */
const TIME = 20_000;

export async function inspectRules(host: Host, wanted: readonly DesiredRule[]): Promise<Finding[]> {
  if (!host.live) return wanted.map(skippedRule);
  const look = await RuleLook.take();
  const atBoot = appliedAtBoot(host);
  const unwanted = unwantedOf(look, wanted);
  if (wanted.length === 0 && unwanted.size === 0) await pruneRuleRecord(host);
  return [
    ...wanted.map((rule) => wantedRule(rule, look.standing(rule), atBoot)),
    ...[...unwanted.values()].map(unwantedRules),
  ];
}

/** Adds all that is missing, and then deletes. Outcomes are in the order of the findings. Throws NetlinkError and HostError. */
export async function applyRules(
  host: Host,
  wanted: readonly DesiredRule[],
  findings: readonly Finding[],
): Promise<Outcome[]> {
  const keys = new Set(findings.map(({ key }) => key));
  const wishes = new Map(wanted.filter((rule) => keys.has(ruleName(rule))).map((rule) => [ruleName(rule), rule]));
  const before = await RuleLook.take();
  const unwanted = new Map([...unwantedOf(before, wanted)].filter(([name]) => keys.has(name)));
  const refusals = new Map<string, string>();
  const gone: SeenRule[] = [];
  using socket = await NetlinkSocket.open();
  const signal = AbortSignal.timeout(TIME);
  for (const [name, rule] of wishes) {
    const { there, others } = before.standing(rule);
    if (there === null) {
      rememberRules(host);
      const refusal = await addRule(socket, rule, signal);
      // Another program has made an equal rule in the meantime.
      if (refusal !== null && refusal !== 'EEXIST') {
        refusals.set(name, `the kernel refuses it (${refusal})`);
        continue;
      }
    }
    gone.push(...others);
  }
  for (const rule of [...gone, ...[...unwanted.values()].flat()]) {
    const refusal = await deleteOurRule(socket, rule, signal);
    if (refusal !== null && refusal !== 'ENOENT')
      refusals.set(ruleName(rule), `the kernel does not delete it (${refusal})`);
  }
  const after = await RuleLook.take();
  const left = unwantedOf(after, wanted);
  if (wanted.length === 0 && left.size === 0) removeRuleRecord(host);
  return findings.map(({ key }) => {
    const wish = wishes.get(key);
    const refusal = refusals.get(key);
    if (wish !== undefined) return madeOutcome(key, after.standing(wish), refusal);
    const isLeft = left.has(key);
    const reason = refusal ?? 'another program makes the rule again at once';
    return ruleOutcome(key, isLeft ? { result: 'failed', actual: null, reason } : { result: 'changed', actual: null });
  });
}

/** `refusal`: what the kernel refused on the way. */
function madeOutcome(key: string, standing: RuleStanding, refusal: string | undefined): Outcome {
  const { is, reason } = standing;
  const actual = actualRule(standing);
  if (is === 'right') return ruleOutcome(key, { result: 'changed', actual, ...(reason === null ? {} : { reason }) });
  if (refusal !== undefined) return ruleOutcome(key, { result: 'failed', actual, reason: refusal });
  const why = 'the change does not stay: another program changes the rule again at once';
  return ruleOutcome(key, { result: 'failed', changed: true, actual, reason: why });
}

/** Our rules of priorities that are not wanted, by the key of their finding. */
function unwantedOf(look: RuleLook, wanted: readonly DesiredRule[]): Map<string, SeenRule[]> {
  const keys = new Set(wanted.map(ruleKeyText));
  return Map.groupBy(
    look.ours().filter((rule) => !keys.has(ruleKeyText(rule))),
    ruleName,
  );
}
