/**
 * The witnesses of a trial on a throw-away host with routers and a real collector. A change that breaks a witness is
 * put back. A witness that fails by itself at the same time is not blamed on the change.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COLLECTOR, COLLECTOR_NAME, ConfirmScene, ROUTER } from '../parts/lab/confirm-scene.ts';
import { startNameServer } from '../parts/lab/dhcp.ts';
import { unavailable } from '../parts/lab/host.ts';

const skip = unavailable({ nft: 'nftables' });
const BOTH = [
  `collector http://${COLLECTOR_NAME}:4318 (IPv4)`,
  `collector http://${COLLECTOR_NAME}:4318 (IPv6)`,
  'gateway (IPv4)',
  'gateway (IPv6)',
];
const of = (family: string) => BOTH.filter((name) => name.includes(family));

test('witnesses: a change that breaks nothing is confirmed, by each family that the host has', { skip }, async (t) => {
  for (const [families, former] of [
    [['ipv4', 'ipv6'], BOTH],
    [['ipv4'], of('IPv4')],
    [['ipv6'], of('IPv6')],
  ] as const) {
    await t.test(families.join(' and '), async () => {
      await using scene = await ConfirmScene.make(families);
      await scene.collector();
      const trial = await scene.trial('true');
      assert.deepEqual(trial.former, former, JSON.stringify(trial.before));
      assert.equal((await trial.judged()).kind, 'confirmed');
    });
  }
});

test('witnesses: a change that breaks one family only is put back', { skip }, async (t) => {
  await using scene = await ConfirmScene.make();
  await scene.collector();
  const changes = {
    IPv4: ['ip -4 route change blackhole default', 'ip -4 route change default via 10.60.0.1 mtu 1400'],
    IPv6: ['ip -6 route replace default via fd60::99 mtu 1400', 'ip -6 route replace default via fd60::1 mtu 1400'],
  };
  for (const [family, [change, back]] of Object.entries(changes)) {
    await t.test(family, async () => {
      const { kind, reason } = await (await scene.trial(change!)).judged();
      assert.equal(kind, 'put-back', reason);
      assert.match(reason, new RegExp(`${family}.* is lost`));
      await scene.host.sh(back!);
    });
  }
});

test('witnesses: a route that catches the collector is put back, and a collector that dies beside it is not', {
  skip,
}, async (t) => {
  await using scene = await ConfirmScene.make(['ipv4']);
  const { host } = scene;
  const running = await scene.collector();
  await t.test('a route to a neighbour that is not there', async () => {
    const { kind, reason } = await (await scene.trial('ip route add 10.61.0.0/16 via 10.60.1.77')).judged();
    assert.equal(kind, 'put-back', reason);
    assert.match(reason, /the way to 10\.61\.0\.5 is now via 10\.60\.1\.77 dev eth1/);
    await host.sh('ip route del 10.61.0.0/16');
  });
  await t.test('a collector that nobody reaches any more, by the way of before', async () => {
    const silenced =
      'ip netns exec server nft add chain inet t cut "{ type filter hook forward priority 0; policy drop; }"';
    const { kind, reason } = await (await scene.trial(`${silenced}; ip route add 192.0.2.0/24 via 10.60.0.1`)).judged();
    assert.equal(kind, 'provisional', reason);
    assert.match(reason, /^collector .* is lost \(no answer.*nothing that was changed explains it/);
    await scene.router('nft delete chain inet t cut');
  });
  await t.test('a collector that is killed while the way to it changes', async () => {
    const trial = await scene.trial('kill -9 $(cat /run/lab/collector.pid); ip route add 10.61.0.0/16 via 10.60.1.1');
    const { kind, reason } = await trial.judged();
    assert.equal(kind, 'provisional', reason);
    assert.match(reason, /ECONNREFUSED/);
    await host.sh('ip route del 10.61.0.0/16');
  });
  await t.test('a collector that is stopped in the middle of everything', async () => {
    const again = await scene.collector();
    const { kind, reason } = await (await scene.trial('kill -STOP $(cat /run/lab/collector.pid)')).judged();
    assert.equal(kind, 'provisional', reason);
    await again.kill();
  });
  await running.kill().catch(() => {});
});

test('witnesses: a path that loses full packets is seen, though small packets pass', { skip }, async () => {
  await using scene = await ConfirmScene.make(['ipv4']);
  await scene.collector();
  const also = [{ tcp: { host: COLLECTOR.ipv4, port: 4318 } }];
  const trial = await scene.trial('ip route change default via 10.60.0.1', { also });
  assert.deepEqual(trial.former.includes('tcp 10.61.0.5:4318'), true);
  const { kind, reason } = await trial.judged();
  assert.equal(kind, 'put-back', reason);
  assert.match(reason, /^collector .* is lost \(no answer/);
  assert.doesNotMatch(reason, /tcp/, 'a connection alone takes small packets only');
});

test('witnesses: rp_filter where the answers come in by another interface', { skip }, async () => {
  await using scene = await ConfirmScene.make(['ipv4']);
  await scene.collector();
  await scene.router('ip route add 10.60.0.2/32 via 10.60.1.2 dev srv1');
  const strict = 'sysctl -qw net.ipv4.conf.eth1.rp_filter=1';
  const { kind, reason } = await (await scene.trial(strict, { path: true })).judged();
  assert.equal(kind, 'put-back', reason);
  assert.match(reason, /^collector .* is lost .*, and the change touches what may stop packets/);
});

test('witnesses: a change that breaks only what comes in', { skip }, async (t) => {
  await using scene = await ConfirmScene.make(['ipv4']);
  await scene.collector();
  const { host } = scene;
  const listening = host.spawn([
    process.execPath,
    '-e',
    "require('node:net').createServer().listen(2222, () => console.log('listens'))",
  ]);
  await new Promise((resolve) => listening.stdout!.once('data', resolve));
  const block = `nft 'add table inet w; add chain inet w in { type filter hook input priority 0; };
    add rule inet w in tcp dport 2222 drop'`;
  const unblock = 'nft delete table inet w';
  for (const [path, expected] of [
    [true, 'put-back'],
    [false, 'provisional'],
  ] as const) {
    await t.test(`${path ? 'by' : 'beside'} a change that touches packets: ${expected}`, async () => {
      const trial = await scene.trial(block, { inbound: 2222, path });
      assert.ok(trial.former.includes(`inbound 2222 (IPv4)`), JSON.stringify(trial.before));
      const { kind, reason } = await trial.judged();
      assert.equal(kind, expected, reason);
      assert.match(
        reason,
        /^inbound 2222 \(IPv4\) is lost \(the collector does not reach it: no connection within 3 s\)/,
      );
      await host.sh(unblock);
    });
  }
  await t.test('a second port of the host is not tried', async () => {
    const { before } = await scene.trial('true', { inbound: 2223 });
    const inbound = before.find(({ witness }) => witness.startsWith('inbound 2223 (IPv4)'));
    assert.match(inbound!.why!, /another port of 10\.60\.0\.2 was tried in the last 10 minutes/);
  });
});

test('witnesses: without a collector the gateway, name servers and others are asked', { skip }, async (t) => {
  await using scene = await ConfirmScene.make();
  const { host } = scene;
  const server = await startNameServer(host, '10.60.9.53', { 'a.example.com': '10.0.0.1' });
  await host.sh('ip route add 10.60.9.53/32 via 10.60.0.1');
  const also = [{ ping: 'gateway' as const }, { tcp: { host: ROUTER.ipv6, port: 53 } }];
  const options = { by: 'local' as const, nameservers: ['10.60.9.53', '127.0.0.53', '10.60.9.54'], also };
  const former = [
    'gateway (IPv4)',
    'gateway (IPv6)',
    'name server 10.60.9.53',
    'ping gateway (IPv4)',
    'ping gateway (IPv6)',
  ];
  await t.test('all answer', async () => {
    const trial = await scene.trial('true', options);
    assert.deepEqual(trial.former, former, JSON.stringify(trial.before));
    assert.equal((await trial.judged()).kind, 'confirmed');
  });
  await t.test('the name server falls silent by itself', async () => {
    const { kind, reason } = await (
      await scene.trial('ip netns exec server ip addr del 10.60.9.53/32 dev srv0', options)
    ).judged();
    assert.equal(kind, 'provisional', reason);
    await scene.router('ip addr add 10.60.9.53/32 dev srv0');
  });
  await t.test('the route to the name server leads nowhere', async () => {
    const { kind, reason } = await (await scene.trial('ip route change unreachable 10.60.9.53/32', options)).judged();
    assert.equal(kind, 'put-back', reason);
    assert.match(reason, /^name server 10\.60\.9\.53 is lost .* is now none, and was via 10\.60\.0\.1/);
    await host.sh('ip route change 10.60.9.53/32 via 10.60.0.1');
  });
  await t.test('a default route by a gateway that is not there', async () => {
    const change = 'ip route replace default via 10.60.0.66 mtu 1400';
    const { kind, reason } = await (await scene.trial(change, options)).judged();
    assert.equal(kind, 'put-back', reason);
    assert.match(reason, /gateway \(IPv4\) is lost .*its address is now 10\.60\.0\.66, and was 10\.60\.0\.1/);
    await host.sh('ip route replace default via 10.60.0.1 mtu 1400');
  });
  await t.test('everything is cut', async () => {
    const { kind, reason } = await (await scene.trial('ip link set eth0 down', options)).judged();
    assert.equal(kind, 'put-back', reason);
    assert.match(reason, /^all 5 witnesses are gone/);
  });
  await server.stop().catch(() => {});
});

test('witnesses: the name of the collector no longer leads to it', { skip }, async (t) => {
  await using scene = await ConfirmScene.make(['ipv4']);
  const { host } = scene;
  await scene.collector();
  const hosts = await host.read('/etc/hosts');
  await t.test('the name is not found', async () => {
    const { kind, reason } = await (await scene.trial("sed -i '/collector/d' /etc/hosts")).judged();
    assert.equal(kind, 'put-back', reason);
    assert.match(reason, /its address is no longer found/);
    await host.write('/etc/hosts', hosts);
  });
  await t.test('the name leads to another host, which refuses', async () => {
    const { kind, reason } = await (
      await scene.trial(`sed -i 's/${COLLECTOR.ipv4}/${ROUTER.ipv4}/' /etc/hosts`)
    ).judged();
    assert.equal(kind, 'put-back', reason);
    assert.match(reason, /its address is now 10\.60\.0\.1, and was 10\.61\.0\.5/);
    await host.write('/etc/hosts', hosts);
  });
});
