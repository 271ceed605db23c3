/** A collector that dies, or that refuses: the witnesses of which only the collector tells. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { judge, type WitnessAnswer } from '../../../agent/confirm/judgement.ts';
import { collectorWitnesses } from '../../../agent/confirm/witnesses/collector-witnesses.ts';
import { Host } from '../../../agent/host/host.ts';
import { Credentials } from '../../../agent/report/delivery/credentials.ts';
import { collector } from '../../parts/collector-wire.ts';
import { scratch } from '../../parts/scratch.ts';

function asked(t: TestContext, endpoint: string): Promise<WitnessAnswer[]> {
  const folder = scratch(t, { token: 'secret\n' });
  const names = { tokenFile: join(folder, 'token'), ca: null, certificate: null, key: null };
  const options = { endpoint, names, credentials: new Credentials(), hostId: 'id-of-edge-1' };
  const witnesses = collectorWitnesses(new Host(), options, { inbound: 22, behind: ['behind-1'] });
  const question = { change: '3f9c12ab', since: null };
  return Promise.all(witnesses.map((witness) => witness.ask(question, AbortSignal.timeout(20_000))));
}

/** All of them answered before a change that touches what may stop packets. */
function judged(after: readonly WitnessAnswer[]) {
  const before = after.map((one) => ({ ...one, answered: true, reached: true, why: null }));
  return judge(before, after, { path: true, names: true, by: 'collector' });
}

test('collector witnesses: a collector that is killed puts no change back, also with inbound and hosts behind', async (t) => {
  const after = await asked(t, 'http://127.0.0.1:1');
  assert.deepEqual(
    after.map(({ kind, answered, reached }) => [kind, answered, reached]),
    ['collector', 'inbound', 'host'].map((kind) => [kind, false, true]),
  );
  assert.equal(judged(after).kind, 'provisional', judged(after).reason);
});

test('collector witnesses: a collector that did not try the port puts no change back', async (t) => {
  const tokens = join(scratch(t, { token: 'secret\n' }), 'token');
  const { url } = await collector(t, { tokenFile: tokens });
  const [acknowledged, inbound] = await asked(t, url);
  assert.equal(acknowledged!.answered, true);
  assert.match(inbound!.why!, /the collector cannot say: the question came from the collector’s own machine/);
  assert.equal(judged([acknowledged!, inbound!]).kind, 'provisional');
});
