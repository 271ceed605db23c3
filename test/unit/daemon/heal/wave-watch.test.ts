/** The watch of a change that waits for its wave: it asks in its time, and the confirmed configuration is held meanwhile. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configurationText, writeConfirmed } from '../../../../agent/confirm/trial/confirmed-configuration.ts';
import { noteWave } from '../../../../agent/confirm/trial/wave-record.ts';
import { WaveWatch } from '../../../../agent/daemon/heal/wave-watch.ts';
import { Host } from '../../../../agent/host/host.ts';
import { scratch } from '../../../parts/scratch.ts';
import { writtenTrial } from '../../../parts/written-trial.ts';

const HASH = 'a'.repeat(64);
const turns = () => new Promise((resolve) => setImmediate(resolve));

test('wave watch: a change that begins to wait after the watch was started is asked about again', async (t) => {
  for (const waves of [true, false]) {
    t.mock.timers.reset();
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const host = new Host({ root: scratch(t, {}), live: true });
    let asked = 0;
    const apply = async () => (asked += 1);
    const watch = new WaveWatch({
      host,
      tries: true,
      waves,
      hash: HASH,
      isHeld: true,
      apply,
      turn: () => assert.fail(),
    });
    watch.start();
    await turns();
    noteWave(host, { change: '3f9c12ab', hash: HASH }, { go: false, why: '', again: 0, rollout: null, counts: null });
    t.mock.timers.tick(15_000);
    await turns();
    t.mock.timers.tick(1_000);
    await turns();
    assert.equal(asked, waves ? 1 : 0);
    await watch.close();
  }
});

test('wave watch: the confirmed configuration is held while another one waits, and no longer', async (t) => {
  const host = new Host({ root: scratch(t, {}), live: true });
  writeConfirmed(host, configurationText('c'.repeat(64), []));
  const said = { change: '3f9c12ab', hash: HASH };
  const turned: boolean[] = [];
  for (const go of [null, false, true]) {
    if (go !== null) noteWave(host, said, { go, why: '', again: 60_000, rollout: null, counts: null });
    // A change that goes is on trial.
    if (go === true) writtenTrial(host, { hash: HASH });
    for (const isHeld of [true, false]) {
      const turn = () => turned.push(isHeld) > 0;
      const watch = new WaveWatch({ ...{ host, tries: true, waves: true, hash: HASH }, isHeld, apply: turns, turn });
      watch.start();
      await turns();
      await watch.close();
    }
  }
  assert.deepEqual(turned, [false, true, false]);
});
