/** Asks the witnesses of a trial, all at the same time, again and again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage } from '../../host/errors.ts';
import type { WitnessAnswer } from '../judgement.ts';
import type { ConfirmWitness, TrialQuestion } from '../witnesses/confirm-witness.ts';
import { whileListening } from '../witnesses/listening-time.ts';

/** Milliseconds of listening for the answers before the change: a healthy witness answers in a few. */
const BEFORE = 5_000;
/** Milliseconds in all for these, because the lock of apply is held. */
const BEFORE_AT_MOST = 30_000;
/** Milliseconds between two questions to the same witness. */
const PAUSE = 1_000;

/** The answers before the change, in the order of the witnesses. A witness that is late did not answer. */
export async function askBefore(witnesses: readonly ConfirmWitness[], change: string): Promise<WitnessAnswer[]> {
  return whileListening(BEFORE, AbortSignal.timeout(BEFORE_AT_MOST), ({ signal }) =>
    Promise.all(witnesses.map((witness) => answerOf(witness, { change, since: null }, signal))),
  );
}

async function answerOf(witness: ConfirmWitness, question: TrialQuestion, signal: AbortSignal): Promise<WitnessAnswer> {
  try {
    return await witness.ask(question, signal);
  } catch (error) {
    return unanswered(witness, signal.aborted ? `no answer within ${BEFORE / 1000} s` : errorMessage(error));
  }
}

function unanswered({ name, kind }: ConfirmWitness, why: string): WitnessAnswer {
  return { witness: name, kind, answered: false, reached: false, places: [], why };
}

/**
 * Asks each witness anew until `signal` aborts. `told` gets every answer. The answer to a question that the end cut off
 * counts only if the witness was never heard: it says by which way nobody was reached.
 */
export async function askAgainAndAgain(
  witnesses: readonly ConfirmWitness[],
  question: TrialQuestion,
  told: (answer: WitnessAnswer) => void,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(
    witnesses.map(async (witness) => {
      let isHeard = false;
      while (!signal.aborted) {
        try {
          const answer = await witness.ask(question, signal);
          if (!signal.aborted || !isHeard) told(answer);
          isHeard = true;
          await sleep(PAUSE, undefined, { signal });
        } catch (error) {
          if (signal.aborted) return;
          told(unanswered(witness, errorMessage(error)));
          await sleep(PAUSE);
        }
      }
    }),
  );
}
