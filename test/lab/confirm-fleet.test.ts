/**
 * A collector that dies while many agents are in trial puts no change back, and good changes are all kept. The agents are
 * the real witnesses and the real judgement, many in one process. AGENTS says how many: 1,000 need a machine that does
 * nothing else, because an agent without processor time hears no witness.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfirmScene, type JudgedFleet } from '../parts/lab/confirm-scene.ts';
import { unavailable } from '../parts/lab/host.ts';

const skip = unavailable({ nft: 'nftables' });
const AGENTS = Number(process.env.AGENTS ?? 100);

test(`confirm: ${AGENTS} agents in trial, and a collector that lives, is killed, or falls silent`, {
  skip,
}, async (t) => {
  await using scene = await ConfirmScene.make(['ipv4']);
  const running = await scene.collector();
  const told = (what: string, { acknowledged, kinds, example }: JudgedFleet) =>
    t.diagnostic(`${what}: ${acknowledged} acknowledged before; ${JSON.stringify(kinds)}; ${example}`);

  await t.test('good changes: none is put back, and all are confirmed whom the collector knew before', async () => {
    const judged = await scene.fleet(AGENTS, 'ip route add 192.0.2.0/24 via 10.60.0.1', 40_000);
    told('good changes', judged);
    assert.equal(judged.kinds['put-back'] ?? 0, 0, judged.example);
    assert.equal(judged.kinds.confirmed, judged.acknowledged);
    assert.ok(judged.acknowledged > AGENTS * 0.9);
  });
  await t.test('packets to the collector are dropped: none is put back', async () => {
    const silence =
      'ip netns exec mid nft add chain inet t cut "{ type filter hook forward priority 0; policy drop; }"';
    const judged = await scene.fleet(AGENTS, `${silence}; ip route del 192.0.2.0/24`, 40_000);
    await scene.host.sh('ip netns exec mid nft delete chain inet t cut');
    told('dropped', judged);
    assert.deepEqual(judged.kinds, { provisional: AGENTS }, judged.example);
  });
  await t.test('the collector is killed: none is put back', async () => {
    const killed = 'kill -9 $(cat /run/lab/collector.pid); ip route add 10.61.0.0/16 via 10.60.1.1';
    const judged = await scene.fleet(AGENTS, killed, 40_000);
    told('killed', judged);
    assert.deepEqual(judged.kinds, { provisional: AGENTS }, judged.example);
  });
  await t.test('the control: a route that leads nowhere is put back by every agent', async () => {
    await scene.host.sh('ip route del 10.61.0.0/16');
    await scene.collector();
    const judged = await scene.fleet(AGENTS, 'ip route add 10.61.0.0/16 via 10.60.1.77', 40_000);
    told('control', judged);
    assert.equal(judged.kinds['put-back'], judged.acknowledged, judged.example);
  });
  await running.kill().catch(() => {});
});
