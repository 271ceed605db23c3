/** How long the event of an undo says that a host was cut off. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WitnessAnswer, WitnessKind } from '../../../agent/confirm/judgement.ts';
import { cutOffFor } from '../../../agent/confirm/trial/decide.ts';
import type { ConfirmWitness } from '../../../agent/confirm/witnesses/confirm-witness.ts';
import { Host } from '../../../agent/host/host.ts';
import { sinceBoot } from '../../../agent/host/process/processes.ts';
import { scratch } from '../../parts/scratch.ts';
import { writtenTrial } from '../../parts/written-trial.ts';

/** A witness that is reached from the nth question on. */
function reachedAt(name: string, kind: WitnessKind, nth: number): ConfirmWitness {
  let asked = 0;
  return {
    name,
    kind,
    ask: async () => {
      asked += 1;
      const reached = asked >= nth;
      return { witness: name, kind, answered: reached, reached, places: [], why: reached ? null : 'no answer' };
    },
  };
}

const answered = ({ name, kind }: ConfirmWitness): WitnessAnswer => {
  return { witness: name, kind, answered: true, reached: true, places: [], why: null };
};

const EACH: readonly (readonly [string, WitnessKind, RegExp])[] = [
  ['a witness that is asked counts', 'collector', /^; cut off for \d+ s$/],
  [
    'a host that is only heard is told apart',
    'host',
    /^; cut off for \d+ s; late was heard again \d+ s after the change$/,
  ],
];

for (const [what, kind, said] of EACH) {
  test(`cut off: ${what}`, async (t) => {
    const witnesses = [reachedAt('gateway', 'gateway', 1), reachedAt('late', kind, 3)];
    const changed = sinceBoot() - 20_000;
    const trial = writtenTrial(new Host({ root: scratch(t) }), { changed, before: witnesses.map(answered) });
    assert.match(await cutOffFor(trial, witnesses), said);
  });
}
