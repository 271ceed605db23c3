/** A heal of a confirmed configuration is put back only if the heal explains the loss of its witnesses, and no outage does. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { WitnessAnswer } from '../../../agent/confirm/judgement.ts';
import { configurationText, writeConfirmed } from '../../../agent/confirm/trial/confirmed-configuration.ts';
import { decide } from '../../../agent/confirm/trial/decide.ts';
import type { ConfirmWitness } from '../../../agent/confirm/witnesses/confirm-witness.ts';
import { Host } from '../../../agent/host/host.ts';
import { sinceBoot } from '../../../agent/host/process/processes.ts';
import { scratch } from '../../parts/scratch.ts';
import { writtenTrial } from '../../parts/written-trial.ts';

const HASH = 'a'.repeat(64);
/** 127.0.0.1 is an address of a link that is up, on every host. */
const VIA = 'via 127.0.0.2 dev lo src 127.0.0.1';
const SILENT = { answered: false, reached: false, why: 'no answer' } as const;

function answer(witness: string, way: string | null, more: Partial<WitnessAnswer> = {}): WitnessAnswer {
  const places = [{ address: '10.0.0.1', way }];
  return { witness, kind: 'tcp', answered: true, reached: true, places, why: null, ...more };
}

/** Decides about a trial whose witnesses answered by VIA before, and say `after` now. */
async function decided(
  t: TestContext,
  after: readonly WitnessAnswer[],
  { confirmed = HASH, way = VIA }: { confirmed?: string; way?: string } = {},
) {
  const host = new Host({ root: scratch(t, {}), live: true });
  writeConfirmed(host, configurationText(confirmed, []));
  const before = after.map(({ witness }) => answer(witness, way));
  const trial = writtenTrial(host, { hash: HASH, path: true, before, deadline: sinceBoot() + 1_000 });
  const witnesses = after.map((one): ConfirmWitness => ({ name: one.witness, kind: one.kind, ask: async () => one }));
  const { kind, reason } = (await decide(host, trial, witnesses))!;
  return { kind, reason };
}

test('heal trial: a network that goes down puts no confirmed configuration back, and a new one as before', async (t) => {
  const down = [answer('near', null, SILENT), answer('far', VIA, SILENT)];
  const [heal, change, other] = await Promise.all([
    decided(t, down),
    decided(t, down, { confirmed: 'e'.repeat(64) }),
    decided(t, down, { way: 'via 192.0.2.1 dev eth0 src 192.0.2.9' }),
  ]);
  assert.equal(heal.kind, 'provisional');
  assert.match(heal.reason, /^all 2 witnesses are gone \(.*\), but this heals a configuration that was confirmed/);
  assert.equal(change.kind, 'put-back');
  assert.equal(other.kind, 'provisional', 'its link has no carrier');
});

test('heal trial: a heal that leads all witnesses astray is put back, and one that silences a part of them', async (t) => {
  const elsewhere = 'via 127.0.0.9 dev lo src 127.0.0.1';
  const [all, part] = await Promise.all([
    decided(t, [answer('near', elsewhere, SILENT), answer('far', elsewhere, SILENT)]),
    decided(t, [answer('near', VIA), answer('far', VIA, SILENT)]),
  ]);
  assert.equal(all.kind, 'put-back');
  assert.equal(part.kind, 'put-back');
  assert.match(part.reason, /the change touches what may stop packets/);
});
