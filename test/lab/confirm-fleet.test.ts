/** A collector that dies while many agents are in trial puts no change back, and good changes are all kept. AGENTS says how many. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfirmScene } from '../parts/lab/confirm-scene.ts';
import { AGENTS, FLEET_TRIALS, tryFleet } from '../parts/lab/fleet-trials.ts';
import { unavailable } from '../parts/lab/host.ts';

const skip = unavailable({ nft: 'nftables' });

test(`confirm: ${AGENTS} agents in trial, and a collector that lives, is killed, or falls silent`, {
  skip,
}, async (t) => {
  await using scene = await ConfirmScene.make(['ipv4']);
  await scene.collector();
  for (const one of FLEET_TRIALS) {
    await t.test(`${one.what}: ${one.ends}`, async () => {
      const { acknowledged, kinds, example } = await tryFleet(scene, one);
      t.diagnostic(`${one.what}: ${acknowledged} acknowledged before; ${JSON.stringify(kinds)}; ${example}`);
      if (one.ends === 'provisional') return assert.deepEqual(kinds, { provisional: AGENTS }, example);
      assert.equal(kinds[one.ends], acknowledged, example);
      assert.ok(acknowledged > AGENTS * 0.9);
      assert.ok(one.ends === 'put-back' || kinds['put-back'] === undefined, example);
    });
  }
});
