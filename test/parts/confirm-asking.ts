/** Asks the witnesses before and after a change, until they confirm it or their time is over. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Judgement, Touches, WitnessAnswer } from '../../agent/confirm/judgement.ts';
import { decide } from '../../agent/confirm/trial/decide.ts';
import type { ConfirmWitness } from '../../agent/confirm/witnesses/confirm-witness.ts';
import { Host } from '../../agent/host/host.ts';
import { sinceBoot } from '../../agent/host/process/processes.ts';
import { writtenTrial } from './written-trial.ts';

const CHANGE = '3f9c12ab';

/** Asks each witness once, all at the same time, without a limit on the whole. */
export function askOnce(witnesses: readonly ConfirmWitness[]): Promise<WitnessAnswer[]> {
  const unended = new AbortController().signal;
  return Promise.all(witnesses.map((witness) => witness.ask({ change: CHANGE, since: null }, unended)));
}

export interface Asking {
  readonly witnesses: readonly ConfirmWitness[];
  /** The answers before the change. */
  readonly before: readonly WitnessAnswer[];
  readonly touches: Touches;
  /** Milliseconds until the judgement is due. */
  readonly within: number;
  /** Milliseconds that each question but the first waits, beside the pause of the agent. */
  readonly pause?: number;
}

/** The final judgement about a change that was just made. */
export async function askUntilJudged({ witnesses, before, touches, within, pause = 0 }: Asking): Promise<Judgement> {
  const root = mkdtempSync(join(tmpdir(), 'trial-'));
  try {
    const host = new Host({ root, live: true });
    const trial = writtenTrial(host, { id: CHANGE, before, ...touches, deadline: sinceBoot() + within });
    const judgement = await decide(
      host,
      trial,
      witnesses.map((witness) => slowed(witness, pause)),
    );
    return judgement!;
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** The same witness, which is asked later each time but the first. */
function slowed(witness: ConfirmWitness, pause: number): ConfirmWitness {
  let isFirst = true;
  return {
    ...witness,
    async ask(question, signal) {
      if (!isFirst) await sleep(pause, undefined, { signal });
      isFirst = false;
      return witness.ask(question, signal);
    },
  };
}
