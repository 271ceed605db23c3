/** Waves with real daemons and a real collector: a bad change reaches one host, and a good one all, a few at a time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unavailable } from '../parts/lab/host.ts';
import { WavesScene } from '../parts/lab/waves-scene.ts';

const skip = unavailable({ curl: 'curl', openssl: 'openssl' });
const HOSTS = 5;
const BAD = 'routes: [{ to: 10.60.0.0/28, via: 10.60.0.77 }]';
const GOOD = 'sysctl: { net.ipv4.conf.eth0.accept_redirects: 0 }';
const NEXT = 'sysctl: { net.ipv4.conf.eth0.accept_redirects: 0, net.ipv4.conf.eth0.send_redirects: 0 }';
const OTHER = 'sysctl: { net.ipv4.conf.eth0.accept_redirects: 1 }';
const NEXT_VALUE = 'cat /proc/sys/net/ipv4/conf/eth0/send_redirects';
const VALUE = 'cat /proc/sys/net/ipv4/conf/eth0/accept_redirects';

test(`waves: ${HOSTS} hosts, a bad change, its cure, a collector that dies, and the button`, { skip }, async (t) => {
  await using scene = await WavesScene.make(HOSTS);
  await scene.knows(HOSTS);
  const routes = await scene.each('ip route');
  const changed = async () => (await scene.each(VALUE)).filter((value) => value === '0').length;

  await t.test('a bad change: one host gets it, it is put back there, and all others wait', async () => {
    await scene.configure(BAD);
    const [row] = await scene.rollouts(([one]) => one?.stopped != null && one.waiting === HOSTS - 1);
    assert.deepEqual([row!.admitted, row!.putBack, row!.confirmed], [1, 1, 0]);
    const made = await scene.each('test -e /var/lib/holdfast/put-back && echo put back || echo none');
    assert.deepEqual(made.toSorted(), [...Array(HOSTS - 1).fill('none'), 'put back']);
    assert.deepEqual(await scene.each('ip route'), routes);
    const waiting = scene.hosts[made.indexOf('none')]!.host;
    // It shows what the last answer said, and this host may not have asked since the rollout stopped.
    await waiting.sh(`until grep -q 'was stopped' /var/lib/holdfast/wave; do sleep 0.2; done`);
    const { stdout } = await waiting.agent('status');
    assert.match(stdout, /waits for its wave \(1 of 5 admitted, change [0-9a-f]{8}\): the rollout was stopped/);
    assert.match((await waiting.agent('plan')).stdout, /waits for its wave \(1 of 5 admitted/);
    const applied = await waiting.agent('apply');
    assert.equal(applied.code, 8, applied.stdout + applied.stderr);
    assert.match(applied.stdout, /Nothing is changed yet: .*agent apply --no-confirm/);
    assert.deepEqual(await scene.each('ip route'), routes);
  });

  await t.test(
    'the cure goes to one host first, and no host changes while the collector is dead or stopped it',
    async () => {
      await scene.configure(GOOD);
      const [first] = await scene.rollouts((rows) => rows.some(({ confirmed }) => confirmed > 0));
      const { admitted } = await scene.decide(first!.id, 'stop');
      await scene.killCollector();
      assert.ok(admitted >= 1 && admitted <= 3, `${admitted} hosts`);
      // Longer than hosts wait between two questions. One that was admitted just now may not have begun before.
      await new Promise((resolve) => setTimeout(resolve, 7_000));
      assert.ok((await changed()) <= admitted);
      await scene.collector();
      const [row] = await scene.rollouts(([one]) => one !== undefined && one.confirmed + one.waiting === HOSTS);
      assert.match(row!.stopped!.why, /an operator stopped it/);
      assert.ok(row!.confirmed >= 1 && row!.confirmed <= admitted, `${row!.confirmed} hosts`);
      assert.equal(await changed(), row!.confirmed);
      await scene.decide(first!.id, 'continue');
      const [last] = await scene.rollouts(([one]) => one!.confirmed === HOSTS);
      assert.deepEqual([last!.admitted, last!.putBack, last!.wave], [HOSTS, 0, 3]);
      assert.equal(await changed(), HOSTS);
    },
  );

  await t.test('drift from the confirmed configuration is healed without a question', async () => {
    await scene.killCollector();
    const [{ host, agent }] = [scene.hosts[0]!];
    await host.sh('echo 1 >/proc/sys/net/ipv4/conf/eth0/accept_redirects');
    await agent.event('holdfast.heal');
    assert.equal((await host.sh(VALUE)).trim(), '0');
    assert.equal((await host.agent('apply')).code, 0);
  });

  await t.test('a host that waits heals drift from the confirmed configuration, and changes nothing else', async () => {
    const [one] = scene.hosts;
    const { host, agent } = one!;
    await host.sh('echo 1 >/proc/sys/net/ipv4/conf/eth0/send_redirects');
    const from = agent.log.lines.length;
    await scene.configure(NEXT, [one!]);
    await agent.log.until(/holds the configuration that was confirmed last, because the one on disk waits/, from);
    for (const isApplied of [false, true]) {
      if (isApplied) assert.equal((await host.agent('apply')).code, 8);
      await host.sh(`echo 1 >/proc/sys/net/ipv4/conf/eth0/accept_redirects
        until [ "$(${VALUE})" = 0 ]; do sleep 0.2; done`);
      assert.equal((await host.sh(NEXT_VALUE)).trim(), '1');
    }
    const { stdout } = await host.agent('status');
    assert.match(stdout, /waits for its wave/);
    assert.doesNotMatch(stdout, /does not hold the configuration/);
    await scene.collector();
    await host.sh(`until [ "$(${NEXT_VALUE})" = 0 ]; do sleep 0.2; done`);
    await agent.log.until(/"event":"holdfast.change.confirmed"/, from);
  });

  await t.test('a boot applies nothing of a first configuration that waits', async () => {
    await scene.killCollector();
    const [one] = scene.hosts;
    const { host } = one!;
    await host.sh('rm /var/lib/holdfast/confirmed');
    await scene.configure(OTHER, [one!]);
    await host.sh(`until grep -q '"waiting"' /var/lib/holdfast/wave; do sleep 0.2; done`);
    assert.equal((await host.agent('apply', '--boot')).code, 0);
    assert.equal((await host.sh(VALUE)).trim(), '0');
  });
});
