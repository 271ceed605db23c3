/** `POST /v1/waves`: says to a host that is about to change whether it goes, or waits. */
import { WAVE_SEALS, type WaveAnswer, type WaveQuestion } from '../../confirm/wire/wave-talk.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { isOfHoldfast } from '../retire/known-hosts.ts';
import type { Rollout } from '../waves/rollout.ts';
import type { Rollouts } from '../waves/rollouts.ts';
import type { SealedSubject } from './sealed-door.ts';
import { waveQuestionIn } from './wave-question.ts';

/** Milliseconds until a host asks again. `each`: for each host that waits. `stopped`: at least, after a stop. */
const AGAIN = { least: 5_000, each: 20, most: 600_000, stopped: 15_000 } as const;

export class WaveDesk implements SealedSubject<WaveQuestion> {
  readonly seals = WAVE_SEALS;
  readonly read = waveQuestionIn;
  readonly #fleet: Fleet;
  readonly #rollouts: Rollouts;
  readonly #known: () => number;

  /** `known`: how many hosts the collector knows. */
  constructor(fleet: Fleet, rollouts: Rollouts, known: () => number) {
    this.#fleet = fleet;
    this.#rollouts = rollouts;
    this.#known = known;
  }

  readonly answer = (question: WaveQuestion, _from: string, now: number): WaveAnswer => {
    const { nonce, change, host } = question;
    const about = { nonce, change, host, known: this.#known() };
    const why = this.#whyNobody(host);
    if (why !== null) return { ...about, rollout: '', go: false, why, again: AGAIN.stopped, admitted: 0 };
    const { rollout, ...said } = this.#rollouts.ask(host, question, now);
    return { ...about, ...said, rollout: rollout.id, again: againOf(rollout), admitted: rollout.admitted };
  };

  /** Why the host is in no rollout; null if it may be. The results of hosts come with their heartbeats. */
  #whyNobody(id: string): string | null {
    const host = this.#fleet.find(id);
    if (host === undefined || host.retired > 0 || host.pulse.beaten === 0 || !isOfHoldfast(host))
      return 'the collector has no heartbeat of this host yet: its daemon must run, and report to this collector';
    const { attention, silent } = this.#fleet.rows.row(host);
    if (silent) return 'the collector hears no heartbeats of this host any more: its daemon must run';
    if (attention.some(({ code }) => code === 'duplicate-id'))
      return 'another host has the same host.id, so that the collector cannot tell the two apart';
    return null;
  }
}

function againOf(rollout: Rollout): number {
  const least = rollout.stop === null ? AGAIN.least : AGAIN.stopped;
  return Math.min(AGAIN.most, Math.max(least, rollout.count('waiting') * AGAIN.each));
}
