/** Which configuration is held in place of the one on disk while that one waits for its wave. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { heldInstead } from '../../../../agent/commands/context/held-instead.ts';
import { noteWave } from '../../../../agent/confirm/trial/wave-record.ts';
import { Host } from '../../../../agent/host/host.ts';
import { scratch } from '../../../parts/scratch.ts';

const HASH = 'a'.repeat(64);
const AT_BOOT = { hash: HASH, file: '/etc/holdfast/agent.yaml', untried: false, waits: true };

/** A host whose configuration on disk waits for its wave. */
function waiting(t: TestContext): Host {
  const host = new Host({ root: scratch(t, {}), live: true });
  const reply = { go: false, why: 'wave 1 of 4', again: 5_000, rollout: null, counts: null };
  noteWave(host, { change: '3f9c12ab', hash: HASH }, reply);
  return host;
}

test('held instead: at boot nothing is held of a first configuration that waits for its wave', async (t) => {
  const held = await heldInstead(waiting(t), AT_BOOT);
  assert.equal(held?.loaded, null);
  assert.equal(held?.waits?.change, '3f9c12ab');
});

test('held instead: a first configuration about which this host never asked is held', async (t) => {
  assert.equal(await heldInstead(new Host({ root: scratch(t, {}), live: true }), AT_BOOT), null);
  assert.equal(await heldInstead(waiting(t), { ...AT_BOOT, hash: 'b'.repeat(64) }), null, 'another one waits');
});
