/** The watch of a change that waits for its wave: it asks in its time, and also after a record that comes later. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noteWave, waitingWave } from '../../../../agent/confirm/trial/wave-record.ts';
import type { ChangeTrial } from '../../../../agent/daemon/daemon-setup.ts';
import { WaveWatch } from '../../../../agent/daemon/heal/wave-watch.ts';
import { Host } from '../../../../agent/host/host.ts';
import { scratch } from '../../../parts/scratch.ts';

const HASH = 'a'.repeat(64);
const turns = () => new Promise((resolve) => setImmediate(resolve));

test('wave watch: a change that begins to wait after the watch was started is asked about again', async (t) => {
  for (const waves of [true, false]) {
    t.mock.timers.reset();
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const host = new Host({ root: scratch(t, {}), live: true });
    let asked = 0;
    const trial = { waits: async () => waitingWave(host, HASH) } as Partial<ChangeTrial> as ChangeTrial;
    const watch = new WaveWatch({ host, trial, waves, hash: HASH, apply: async () => (asked += 1) });
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
