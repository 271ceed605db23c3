/** `agent apply` waits until its change is confirmed, or put back. */
import { namesAnswering } from '../../confirm/judgement.ts';
import type { TrialGuard } from '../../confirm/trial/trial-guard.ts';
import { secondsLeft } from '../../confirm/trial/trial-record.ts';
import type { TrialVerdict } from '../../confirm/trial/trial-verdict.ts';
import type { Outcome } from '../../hold/resource.ts';
import type { Host } from '../../host/host.ts';
import type { CommonOptions } from '../common-options.ts';
import { print, shown } from '../output/output.ts';
import { handBack } from './hand-over.ts';

export interface Decided {
  readonly outcomes: Outcome[];
  /** null if nothing was on trial. */
  readonly verdict: TrialVerdict | null;
}

/** A change that was put back counts as failed. */
export async function withDecision(
  host: Host,
  guard: TrialGuard,
  options: CommonOptions,
  outcomes: Outcome[],
): Promise<Decided> {
  // The terminal may go together with the network. The agent then still decides.
  process.on('SIGHUP', () => {});
  const { trial } = guard;
  if (trial !== null && !options.json && !options.quiet) {
    const asked = namesAnswering(trial.before);
    const who = asked.length === 0 ? 'no witness answered before it' : `it must be confirmed by ${asked.join(', ')}`;
    print(shown(`Change ${trial.id} is on trial, at most ${secondsLeft(trial)} s: ${who}.`));
  }
  const verdict = await guard.decide();
  if (verdict?.kind !== 'put-back') return { outcomes, verdict };
  handBack(host);
  return { verdict, outcomes: outcomes.map((outcome) => undone(outcome, verdict)) };
}

function undone(outcome: Outcome, { id }: TrialVerdict): Outcome {
  if (outcome.result !== 'changed' && !outcome.changed) return outcome;
  return { ...outcome, result: 'failed', actual: null, reason: `put back, together with all of change ${id}` };
}
