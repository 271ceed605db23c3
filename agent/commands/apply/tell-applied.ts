import type { PutBackChange } from '../../confirm/trial/put-back-memory.ts';
import type { TrialVerdict } from '../../confirm/trial/trial-verdict.ts';
import type { WaveRecord } from '../../confirm/trial/wave-record.ts';
import type { ProofEvent } from '../../hold/proof/proof.ts';
import type { Outcome } from '../../hold/resource.ts';
import { EXIT, print, printError, printJson, shown } from '../output/output.ts';
import { tellOutcomes } from '../output/print-outcomes.ts';
import type { ApplyOptions } from './apply-options.ts';

export interface Applied {
  readonly outcomes: readonly Outcome[];
  /** null if no DNS is configured, so that there is nothing to prove. */
  readonly proof: readonly ProofEvent[] | null;
}

export interface Tried {
  /** null if nothing was on trial. */
  readonly verdict: TrialVerdict | null;
  /** The change of the configuration on disk, if it was put back. */
  readonly putBack: PutBackChange | null;
  /** The change that waits for its wave; null if none does. */
  readonly waits: WaveRecord | null;
}

/** Prints the result of an apply. Returns the exit status. */
export async function tellApplied(
  { outcomes, proof, verdict, putBack, waits }: Applied & Tried,
  options: ApplyOptions,
): Promise<number> {
  const changed = isChanged(outcomes);
  const failed = putBack !== null || (waits === null && outcomes.some(({ result }) => result === 'failed'));
  if (options.json) {
    printJson({
      ...{ changed, failed, outcomes, ...(proof === null ? {} : { proof }) },
      ...(verdict === null ? {} : { trial: verdict }),
      ...(putBack === null ? {} : { putBack }),
      ...(waits === null ? {} : { waits }),
    });
  } else {
    const isUndone = verdict?.kind === 'put-back';
    const told = waits === null ? outcomes : outcomes.filter(({ result }) => result !== 'failed');
    tellOutcomes(told, options.quiet ?? false, 'as wanted');
    if (waits !== null && !options.quiet) print((await import('../trial-words.ts')).waitsForWave(waits));
    if (verdict !== null && (isUndone || !options.quiet)) (isUndone ? printError : print)(shown(capital(verdict.body)));
    if (putBack !== null) printError((await import('../trial-words.ts')).heldMeanwhile(putBack));
    // Each outcome already shows its refusal.
    if (!options.quiet) for (const { kind, body } of proof ?? []) if (kind !== 'refused') print(shown(body));
  }
  if (waits !== null && !failed) return EXIT.waits;
  return (options.detailedExitcodes && changed ? EXIT.changed : EXIT.ok) + (failed ? EXIT.failed : EXIT.ok);
}

export function isChanged(outcomes: readonly Outcome[]): boolean {
  return outcomes.some((outcome) => outcome.result === 'changed' || outcome.changed);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
