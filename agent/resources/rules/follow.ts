/** Listens to the kernel for changes of our rules, and of rules with the same priority. */
import type { DesiredRule } from '../../config/desired.ts';
import { CalmLook } from '../../host/netlink/calm-look.ts';
import { Follower, messagesOf } from '../../host/netlink/follower.ts';
import { LastTouches } from '../../host/netlink/last-touches.ts';
import { MESSAGE } from '../../host/netlink/message-layout.ts';
import { readRule } from '../../host/netlink/rules/policy-rule.ts';
import { isOurRule } from '../../host/netlink/rules/rule-list.ts';
import { ruleName } from './rule-findings.ts';

const NETLINK_ROUTE = 0;
/** RTNLGRP_IPV4_RULE and RTNLGRP_IPV6_RULE of linux/rtnetlink.h. */
const GROUPS = [8, 19] as const;
/** Milliseconds without listening during a flood. */
const PAUSE = 250;

export class RuleFollower {
  readonly #wanted: ReadonlySet<string>;
  readonly #changed: CalmLook;
  readonly #follower: Follower;
  readonly #touches = new LastTouches();

  /** Throws if we cannot listen to the kernel. */
  constructor(wanted: readonly DesiredRule[], changed: () => void) {
    this.#wanted = new Set(wanted.map(ruleName));
    this.#changed = new CalmLook(changed);
    this.#follower = new Follower({
      protocol: NETLINK_ROUTE,
      groups: GROUPS,
      onMessage: messagesOf(
        (message) => this.#take(message),
        () => this.#changed.ask(), // the message is damaged, but something changed
      ),
      onBegin: () => this.#changed.ask(),
      pause: PAUSE,
    });
  }

  /** The program that touched a rule with this key of a finding a moment ago; null if none did. */
  whoTouched(key: string): string | null {
    return this.#touches.by(key);
  }

  close(): void {
    this.#changed.close();
    this.#follower.close();
  }

  #take(message: Buffer): void {
    if (this.#follower.flooded()) return;
    const type = message.readUInt16LE(4);
    const rule = type === MESSAGE.newRule || type === MESSAGE.deleteRule ? readRule(message, 0, message.length) : null;
    if (rule === null) return;
    const isOurs = isOurRule(rule);
    if (!isOurs && !this.#wanted.has(ruleName(rule))) return;
    if (!isOurs || type === MESSAGE.deleteRule) this.#touches.remember(ruleName(rule), message);
    this.#changed.ask();
  }
}
