/** The rollouts as the API shows them. */
import type { RolloutRow } from '../api.ts';
import type { Rollout } from './rollout.ts';
import type { Rollouts } from './rollouts.ts';

/** The most rollouts in one answer: every open page gets them each second. */
const MOST = 20;
/** Milliseconds for which a rollout is shown after its last change, although nothing of it is left to do. */
const SHOWN = 86_400_000;

/**
 * `known` tells how many hosts the collector knows. It may look at every host, which an empty list does not need.
 * `waves`: how many waves a rollout has.
 */
export function rolloutRows(rollouts: Rollouts, known: () => number, waves: number, now: number): RolloutRow[] {
  const all = [...rollouts.all].reverse();
  const shown = all.filter((one) => now - one.touched < SHOWN || isAtWork(one));
  const [stopped, others] = [shown.filter(({ stop }) => stop !== null), shown.filter(({ stop }) => stop === null)];
  return [...stopped, ...others].slice(0, MOST).map((one) => rolloutRow(rollouts, one, known(), waves));
}

function rolloutRow(rollouts: Rollouts, rollout: Rollout, known: number, waves: number): RolloutRow {
  const { id, wave, admitted, stop } = rollout;
  return {
    id,
    wave: Math.min(wave, waves - 1) + 1,
    waves,
    limit: rollouts.limit(rollout),
    known,
    admitted,
    confirmed: rollout.count('confirmed'),
    provisional: rollout.count('provisional'),
    putBack: rollout.count('put-back'),
    lost: rollout.count('lost'),
    waiting: rollout.count('waiting'),
    held: rollout.holding > rollout.count('admitted'),
    stopped: stop === null ? null : { why: stop.why, since: stop.since },
  };
}

function isAtWork(rollout: Rollout): boolean {
  return rollout.stop !== null || rollout.holding > 0 || rollout.count('waiting') > 0;
}
