/** Drift of several resources is healed in one trial. It is put back if it cuts the host off, and a killed agent bars no healing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunningAgent } from '../parts/lab/daemon.ts';
import { type LabHost, unavailable } from '../parts/lab/host.ts';
import { CONFIGURATION, confirmBy, everything, trialScene } from '../parts/lab/trial-scene.ts';

const skip = unavailable({ nft: 'nftables' });
const HELD = `routes: [{ to: 0.0.0.0/0, via: 10.62.0.1, takeOver: true }]
sysctl: { net.ipv4.ip_forward: 1 }
`;
/** Another program takes two settings away in one moment. */
const DRIFT = 'sysctl -qw net.ipv4.ip_forward=0; ip route replace default via 10.60.0.1 proto dhcp';
/** The router of the held route no longer has its address. */
const ROUTER_GONE = 'ip -n server addr del 10.62.0.1/24 dev srv1';
const ROUTER_BACK = 'ip -n server addr add 10.62.0.1/24 dev srv1';

/** A host whose daemon holds the confirmed configuration HELD. */
async function heldHost(): Promise<{ host: LabHost; agent: RunningAgent }> {
  const host = await trialScene(['ipv4']);
  await host.write(CONFIGURATION, HELD + confirmBy(['ipv4']));
  const agent = await RunningAgent.start(host);
  await agent.event('holdfast.change.confirmed');
  return { host, agent };
}

const settings = (host: LabHost) => host.sh('ip route show default; sysctl -n net.ipv4.ip_forward');

const isOnTrial = (host: LabHost) =>
  host.sh(`until grep -qs '"changed":[0-9]' /var/lib/holdfast/trial/record; do sleep 0.05; done
    cat /var/lib/holdfast/trial/record`);

test('joint heal: two resources are healed in one trial, which is put back if it cuts the host off', {
  skip,
}, async () => {
  const { host, agent } = await heldHost();
  await using _ = host;
  await host.sh(DRIFT);
  const { msg } = await agent.event('holdfast.change.confirmed');
  assert.match(msg, /^change [0-9a-f]{8} confirmed: as before the change, these answer: gateway \(IPv4\), tcp /);
  assert.match(await settings(host), /^default via 10\.62\.0\.1 .*\n1\n$/);

  await host.sh(`${ROUTER_GONE}; ${DRIFT}`);
  const trial = JSON.parse(await isOnTrial(host)) as { resources: string[] };
  assert.deepEqual(trial.resources.toSorted(), ['routes', 'sysctl']);
  const putBack = await agent.event('holdfast.change.put_back');
  assert.match(
    putBack.msg,
    /^change [0-9a-f]{8} put back: 1\d s after .*all 2 witnesses are gone .*; cut off for 1\d s$/,
  );
  assert.match(await settings(host), /^default via 10\.60\.0\.1 .*\n0\n$/);
  assert.equal(agent.count('holdfast.change.put_back'), 1);
  const { stdout } = await host.agent('status');
  assert.match(stdout, /Drift from this configuration is not healed for another 1[45] min \(until 20/);
  assert.equal(await agent.stop(), 0);
});

test('joint heal: after kill -9 of the agent the armed undo puts the heal back, and the next start heals', {
  skip,
}, async () => {
  const { host, agent } = await heldHost();
  await using _ = host;
  const healed = await everything(host);
  await host.sh(`${ROUTER_GONE}; ${DRIFT}`);
  await isOnTrial(host);
  await agent.signal('KILL');
  await host.sh('for try in $(seq 300); do [ -e /var/lib/holdfast/trial ] || exit 0; sleep 0.1; done; exit 1');
  assert.match(await settings(host), /^default via 10\.60\.0\.1 .*\n0\n$/);
  await host.sh(ROUTER_BACK);
  const next = await RunningAgent.start(host);
  assert.match(await next.log.until(/put_back/), /the agent ended before the change was confirmed/);
  await next.event('holdfast.change.confirmed');
  assert.equal(await everything(host), healed);
  assert.equal(await next.stop(), 0);
});
