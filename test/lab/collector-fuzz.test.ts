/** A small run of test/bench/fuzz.ts: hostile requests, restarts, and an honest sender beside them that loses nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzz } from '../bench/fuzz.ts';
import { scratch } from '../parts/scratch.ts';

test('collector fuzz: after 2,000 hostile requests and two restarts, an honest sender finds all that was acknowledged', {
  timeout: 300_000,
}, async (t) => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  t.diagnostic(`seed ${seed}`);
  const { answers, honest, peak } = await fuzz({
    requests: 2_000,
    restartEvery: 1_000,
    seed,
    data: scratch(t),
    maxSize: '64MiB',
  });
  assert.ok((answers.get(200) ?? 0) > 200 && (answers.get(400) ?? 0) > 200, JSON.stringify([...answers]));
  assert.ok(honest >= 80, `${honest}`);
  assert.ok(peak < 1_000, `${peak} MiB`);
});
