/** Our rules, byte for byte, before a change on trial, and how they come back. */
import type { Family } from '../../address/address.ts';
import type { Host } from '../../host/host.ts';
import type { SeenRule } from '../../host/netlink/rules/policy-rule.ts';
import { addRuleBody, deleteOurRule } from '../../host/netlink/rules/rule-list.ts';
import { NetlinkSocket } from '../../host/netlink/socket.ts';
import { hasRuleRecord, rememberRules, removeRuleRecord } from './made.ts';
import { ruleName } from './rule-findings.ts';
import { RuleLook } from './rule-look.ts';

/** Milliseconds. */
const TIME = 20_000;

interface RulesSnapshot {
  readonly rules: readonly KeptRule[];
  readonly isNoted: boolean;
}

interface KeptRule {
  readonly family: Family;
  readonly priority: number;
  /** The body of the message that makes it, in hexadecimal. */
  readonly body: string;
}

/** Throws NetlinkError. */
export async function rulesSnapshot(host: Host): Promise<RulesSnapshot> {
  const rules = (await RuleLook.take()).ours();
  return {
    rules: rules.map((rule) => ({ family: rule.family, priority: rule.priority, body: bytesOfRule(rule) })),
    isNoted: hasRuleRecord(host),
  };
}

/** Adds what is missing before it deletes what is new. Rules of other programs stay. Throws NetlinkError. */
export async function putBackRules(host: Host, snapshot: unknown, kernel: boolean): Promise<string | null> {
  // The note is in /run, and a reboot has removed it together with the rules.
  if (!kernel) return null;
  const { rules, isNoted } = snapshot as RulesSnapshot;
  const now = (await RuleLook.take()).ours();
  const there = new Set(now.map(bytesOfRule));
  const before = new Set(rules.map(({ body }) => body));
  using socket = await NetlinkSocket.open();
  const signal = AbortSignal.timeout(TIME);
  const problems: string[] = [];
  for (const rule of rules.filter(({ body }) => !there.has(body))) {
    const refusal = await addRuleBody(socket, [Buffer.from(rule.body, 'hex')], signal);
    if (refusal !== null) problems.push(`the kernel refuses ${ruleName(rule)} (${refusal})`);
  }
  for (const rule of now.filter((one) => !before.has(bytesOfRule(one)))) {
    const refusal = await deleteOurRule(socket, rule, signal);
    if (refusal !== null && refusal !== 'ENOENT')
      problems.push(`the kernel does not delete ${ruleName(rule)} (${refusal})`);
  }
  if (isNoted) rememberRules(host);
  else removeRuleRecord(host);
  return problems.length === 0 ? null : problems.join('; ');
}

function bytesOfRule({ body }: SeenRule): string {
  return body.toString('hex');
}
