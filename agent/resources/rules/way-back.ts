/** Deletes every rule of Holdfast from the kernel. Holdfast replaces no rule, so none has to come back. */

import type { Outcome } from '../../hold/resource.ts';
import type { Leftover, Undoing } from '../../hold/undoing.ts';
import type { Host } from '../../host/host.ts';
import { hasRuleRecord, removeRuleRecord } from './made.ts';

/** Milliseconds. */
const TIME = 20_000;

export const RULES_UNDOING: Undoing = {
  putBackSnapshot: async (...kept) => (await import('./snapshot.ts')).putBackRules(...kept),
  others: (host) => (hasRuleRecord(host) ? [leftoverRules(host)] : []),
};

function leftoverRules(host: Host): Leftover {
  const putBack = () => revertRules(host);
  return { key: 'rules', moment: 'now', turn: 'rules', original: null, putBack };
}

async function revertRules(host: Host): Promise<Outcome[]> {
  if (!host.live) return [];
  const [{ RuleLook }, { deleteOurRule }, { NetlinkSocket }, { ruleName }] = await Promise.all([
    import('./rule-look.ts'),
    import('../../host/netlink/rules/rule-list.ts'),
    import('../../host/netlink/socket.ts'),
    import('./rule-findings.ts'),
  ]);
  const outcomes: Outcome[] = [];
  const ours = (await RuleLook.take()).ours();
  using socket = await NetlinkSocket.open();
  for (const rule of ours) {
    const outcome = { resource: 'revert', key: ruleName(rule), moment: 'now', actual: null } as const;
    const refusal = await deleteOurRule(socket, rule, AbortSignal.timeout(TIME));
    const isGone = refusal === null || refusal === 'ENOENT';
    const reason = `the kernel refuses to delete the rule (${refusal})`;
    outcomes.push(isGone ? { ...outcome, result: 'changed' } : { ...outcome, result: 'failed', reason });
  }
  if (outcomes.every(({ result }) => result === 'changed')) removeRuleRecord(host);
  return outcomes;
}
