/** The kernel's policy rules of a family: all of them, one more, one less. A host has few, so a look lists them all. */
import type { Family } from '../../../address/address.ts';
import { dump } from '../dump.ts';
import { FAMILY, FLAG, MESSAGE, zeros } from '../message-layout.ts';
import { change, refusalName } from '../request.ts';
import { NetlinkError, NetlinkSocket } from '../socket.ts';
import { HOLDFAST } from '../table-names.ts';
import { KERNEL_PRIORITIES, type PolicyRule, readRule, ruleBody, type SeenRule } from './policy-rule.ts';

const HEADER = 12;

/** In the kernel's order; null if this kernel has no rules of the family. Throws NetlinkError. */
export async function listRules(family: Family, signal: AbortSignal): Promise<readonly SeenRule[] | null> {
  // The refusal of a family closes the socket, so each list has a socket of its own.
  using socket = await NetlinkSocket.open();
  try {
    return await rulesBy(socket, family, signal);
  } catch (error) {
    if (error instanceof NetlinkError && error.code === 'EAFNOSUPPORT') return null;
    throw error;
  }
}

/** Lists the rules by an open socket. A kernel without rules of the family closes that socket, and NetlinkError says EAFNOSUPPORT. */
export function rulesBy(socket: NetlinkSocket, family: Family, signal: AbortSignal): Promise<readonly SeenRule[]> {
  const body = zeros(HEADER);
  body[0] = FAMILY[family];
  const gather = () => {
    const found: SeenRule[] = [];
    return {
      take(data: Buffer, at: number, end: number): false {
        const rule = readRule(data, at, end);
        if (rule?.family === family) found.push(rule);
        return false;
      },
      result: () => found,
    };
  };
  return dump(socket, { get: MESSAGE.getRule, gives: MESSAGE.newRule, body }, gather, signal);
}

/** Holdfast's rules have its protocol, as its routes do. The kernel's own three rules are never taken for ours. */
export function isOurRule({ protocol, priority }: SeenRule): boolean {
  return protocol === HOLDFAST && !KERNEL_PRIORITIES.includes(priority);
}

/** Adds a rule of Holdfast. Returns the kernel's refusal, or null: EEXIST means that any program has made an equal rule. */
export async function addRule(socket: NetlinkSocket, rule: PolicyRule, signal: AbortSignal): Promise<string | null> {
  return addRuleBody(socket, ruleBody(rule, HOLDFAST), signal);
}

/** Adds a rule from its bytes, and returns as addRule does. */
export async function addRuleBody(
  socket: NetlinkSocket,
  body: readonly Buffer[],
  signal: AbortSignal,
): Promise<string | null> {
  const [errno] = await change(socket, [{ type: MESSAGE.newRule, flags: FLAG.create | FLAG.exclusive, body }], signal);
  return refusalName(errno!);
}

/**
 * Deletes a rule of ours by all that the kernel reported of the rule, with its maker, so that no other rule can be meant.
 * ENOENT means that there is none. Throws TypeError for a rule of another program.
 */
export async function deleteOurRule(
  socket: NetlinkSocket,
  rule: SeenRule,
  signal: AbortSignal,
): Promise<string | null> {
  if (!isOurRule(rule)) throw new TypeError('this rule belongs to another program');
  const [errno] = await change(socket, [{ type: MESSAGE.deleteRule, flags: 0, body: [rule.body] }], signal);
  return refusalName(errno!);
}
