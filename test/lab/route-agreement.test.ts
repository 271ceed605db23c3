/** FRR and BIRD against the kernel: routes that a daemon believes in and the kernel has not are seen, and none are invented. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANNOUNCED, Router } from '../parts/lab/agreement.ts';
import { BGP_PARTS } from '../parts/lab/gateways.ts';
import { unavailable } from '../parts/lab/host.ts';

const skip = unavailable(BGP_PARTS);

const disagrees = (daemon: string, protocol: string, table: string) =>
  ['ipv4', 'ipv6'].map((family) => ({ daemon, 'network.type': family, table, protocol }));

async function loadAndFlap(router: Router): Promise<void> {
  assert.deepEqual(await router.announce(), []);
  assert.deepEqual(await router.announce({ ipv4: 0, ipv6: 0 }), []);
  assert.deepEqual(await router.announce(), []);
  assert.deepEqual(await router.differences(), { ipv4: 0, ipv6: 0 });
}

test('route agreement: FRR', { skip }, async (t) => {
  await using router = await Router.start('frr');
  const { host } = router;

  await t.test('a load and a flap are no disagreement', () => loadAndFlap(router));

  await t.test('routes that go while zebra loses the kernel’s messages are missed for ever', async () => {
    // zebra puts back what it hears of. Its socket has room for 8 MB of messages; these are some more.
    await host.sh(`kill -STOP $(cat /run/lab/host/zebra.pid)
      awk 'BEGIN { for (n = 0; n < 12000; n++) print "route add unreachable 198.18.0.1\\nroute del unreachable 198.18.0.1" }' |
        ip -batch -`);
    const removed = await router.remove({ ipv4: 132, ipv6: 40 });
    await host.sh('kill -CONT $(cat /run/lab/host/zebra.pid)');
    assert.deepEqual(await router.differences(), { ipv4: 132, ipv6: 40 });
    for (const _ of [1, 2]) assert.deepEqual(await router.conditions(), []);
    const conditions = await router.conditions();
    assert.deepEqual(
      conditions.map(({ code, severity, attributes }) => ({ code, severity, attributes })),
      disagrees('frr', 'bgp', 'main').map((attributes) => ({ code: 'routes-disagree', severity: 'error', attributes })),
    );
    const all = ANNOUNCED.ipv4 + 1;
    assert.match(conditions[0]!.body, new RegExp(`took ${all} of its IPv4 routes .* has ${all - 132}: 132 fewer`));
    await host.sh('ip route add 198.51.100.0/24 via 10.88.0.1 proto bgp');
    const [ipv4, ipv6] = await router.listed();
    assert.deepEqual([ipv4!.routes, ipv4!.kernel], [all, all - 131]);
    assert.equal(ipv4!.onlyDaemon.count, 132);
    assert.deepEqual(ipv4!.onlyDaemon.prefixes, removed.ipv4.slice(0, 20));
    assert.deepEqual(ipv4!.onlyKernel, { count: 1, prefixes: ['198.51.100.0/24'] });
    assert.deepEqual([ipv6!.onlyDaemon.count, ipv6!.onlyKernel.count], [40, 0]);
    assert.deepEqual(ipv6!.onlyDaemon.prefixes, removed.ipv6.slice(0, 20));
    await host.sh('ip route del 198.51.100.0/24 proto bgp');
  });

  await t.test('the disagreement ends when the daemon learns the routes anew', async () => {
    await router.announce({ ipv4: 0, ipv6: 0 });
    await router.announce();
    assert.deepEqual(await router.conditions(), []);
    assert.deepEqual(await router.differences(), { ipv4: 0, ipv6: 0 });
  });

  await t.test('a restart is no disagreement, and brings the two together', async () => {
    await host.sh(`cd /run/lab/host; for one in bgpd zebra; do
        kill $(cat $one.pid); while [ -d /proc/$(cat $one.pid) ]; do sleep 0.05; done
      done`);
    assert.deepEqual(await router.look(), []);
    await host.sh(`cd /run/lab/host; common="-d -z $PWD/zserv.api --vty_socket $PWD -P 0"
      /usr/lib/frr/zebra $common -f $PWD/zebra.conf -i $PWD/zebra.pid
      /usr/lib/frr/bgpd $common -f $PWD/bgpd.conf -i $PWD/bgpd.pid -p 179`);
    assert.deepEqual(await router.settle(), []);
    assert.deepEqual(await router.differences(), { ipv4: 0, ipv6: 0 });
  });
});

test('route agreement: BIRD', { skip }, async (t) => {
  await using router = await Router.start('bird');
  const { host } = router;

  await t.test('a load and a flap are no disagreement', () => loadAndFlap(router));

  await t.test('routes that another program removes', async () => {
    const removed = await router.remove({ ipv4: 30, ipv6: 3 });
    assert.deepEqual(await router.differences(), { ipv4: 30, ipv6: 3 });
    for (const _ of [1, 2]) assert.deepEqual(await router.conditions(), []);
    assert.deepEqual(
      (await router.conditions()).map(({ attributes }) => attributes),
      disagrees('bird', 'bird', 'all'),
    );
    const [ipv4, ipv6] = await router.listed();
    // BIRD lists them in no order.
    const missing = new Set(removed.ipv4);
    assert.deepEqual([ipv4!.onlyDaemon.count, ipv4!.onlyDaemon.prefixes.length], [30, 20]);
    assert.ok(ipv4!.onlyDaemon.prefixes.every((prefix) => missing.has(prefix)));
    assert.deepEqual(ipv6!.onlyDaemon, { count: 3, prefixes: ipv6!.onlyDaemon.prefixes });
    assert.deepEqual([...ipv6!.onlyDaemon.prefixes].sort(), removed.ipv6.sort());
    const { stdout } = await host.agent('probe', 'route-agreement', '--list');
    assert.equal((await host.agent('probe', 'routes', '--list')).code, 1);
    assert.match(
      stdout,
      /^BIRD says that the kernel took \d+ of its IPv4 routes \(bird\) in all tables together, but /m,
    );
    assert.match(stdout, /^ {2}only BIRD has 30, the first 20 of them:\n {4}20[.]/m);
  });

  await t.test('a restart is no disagreement, and brings the two together', async () => {
    await host.sh('kill $(cat /run/lab/host.pid); while [ -e /run/lab/host.ctl ]; do sleep 0.05; done');
    assert.deepEqual(await router.look(), []);
    await host.sh('bird -c /run/lab/host.conf -s /run/lab/host.ctl -P /run/lab/host.pid');
    assert.deepEqual(await router.settle(), []);
    assert.deepEqual(await router.differences(), { ipv4: 0, ipv6: 0 });
  });

  await t.test('routes that the kernel refuses', async () => {
    // No address of this host: the kernel answers EINVAL to each route, and BIRD only logs that.
    await host.sh(`sed -i 's/krt_prefsrc = 10[.][0-9.]*/krt_prefsrc = 192.0.2.99/' /run/lab/host.conf
      kill $(cat /run/lab/host.pid); while [ -e /run/lab/host.ctl ]; do sleep 0.05; done
      bird -c /run/lab/host.conf -s /run/lab/host.ctl -P /run/lab/host.pid`);
    for (let tries = 0; (await router.differences()).ipv4 !== ANNOUNCED.ipv4 + 1; tries += 1) assert.ok(tries < 1000);
    for (const _ of [1, 2]) await router.look();
    assert.deepEqual(
      (await router.conditions()).map(({ attributes }) => attributes),
      disagrees('bird', 'bird', 'all').slice(0, 1),
    );
  });
});
