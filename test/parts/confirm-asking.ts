/** Asks the witnesses before and after a change, until they confirm it or their time is over. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Judgement, judge, type Touches, type WitnessAnswer } from '../../agent/confirm/judgement.ts';
import type { ConfirmWitness, TrialQuestion } from '../../agent/confirm/witnesses/confirm-witness.ts';
import { monotonicNow } from '../../agent/host/steady-clock.ts';

const PAUSE = 1_000;

/** Asks each witness once, all at the same time. Rejects only with the reason of `signal`. */
export function askOnce(
  witnesses: readonly ConfirmWitness[],
  question: TrialQuestion,
  signal: AbortSignal,
): Promise<WitnessAnswer[]> {
  return Promise.all(witnesses.map((witness) => witness.ask(question, signal)));
}

export interface Asking {
  readonly witnesses: readonly ConfirmWitness[];
  /** The answers before the change. */
  readonly before: readonly WitnessAnswer[];
  readonly question: TrialQuestion;
  readonly touches: Touches;
  /** When the judgement is due, by monotonicNow(). */
  readonly deadline: number;
  /** Milliseconds between the answer of a witness and the next question to it. */
  readonly pause?: number;
}

/**
 * The final judgement about a change that is made: at the deadline, or as soon as the change is confirmed. Only the
 * witnesses that answered before are asked. Rejects only with the reason of `signal`.
 */
export async function askUntilJudged(
  { witnesses, before, question, touches, deadline, pause = PAUSE }: Asking,
  signal: AbortSignal,
): Promise<Judgement> {
  const former = new Map(before.filter(({ answered }) => answered).map((answer) => [answer.witness, answer]));
  const latest = new Map<string, WitnessAnswer>();
  const over = new AbortController();
  const ended = AbortSignal.any([over.signal, signal]);
  const judgement = () => judge(before, [...latest.values()], touches);
  let confirmed: Judgement | null = null;
  const asked = witnesses
    .filter(({ name }) => former.has(name))
    .map(async (witness) => {
      for (;;) {
        const answer = await witness.ask(question, ended);
        // A question that the end cut off says nothing about a witness that was heard, as in ask-witnesses.ts.
        if (!ended.aborted || !latest.has(witness.name)) latest.set(witness.name, answer);
        const found = judgement();
        if (found.kind === 'confirmed') {
          confirmed ??= found;
          over.abort();
        }
        await sleep(pause, undefined, { signal: ended });
      }
    });
  const timer = setTimeout(() => over.abort(), Math.max(0, deadline - monotonicNow()));
  try {
    // Each of them goes on until it is ended.
    if (asked.length > 0) await Promise.allSettled(asked);
  } finally {
    clearTimeout(timer);
  }
  signal.throwIfAborted();
  if (confirmed !== null) return confirmed;
  // A witness whose first question is still open has not answered in the whole time.
  for (const [name, then] of former) {
    if (!latest.has(name)) latest.set(name, { ...then, answered: false, reached: false, why: 'no answer in time' });
  }
  return judgement();
}
