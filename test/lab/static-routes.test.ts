/** Static routes on a throw-away host with two links, seen with iproute2, which knows nothing of how they were made. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LabHost, unavailable } from '../parts/lab/host.ts';

const skip = unavailable();
const CONFIG = '/etc/holdfast/agent.yaml';

/** Two links up, with addresses of both families, and far networks behind the other end. */
async function scene(): Promise<LabHost> {
  const host = await LabHost.create({ interfaces: 2 });
  await host.sh(
    'for n in 0 1; do ip link set srv$n up; ip addr add 10.8$((8 + n)).0.1/24 dev srv$n; ip addr add 2001:db8:8$((8 + n))::1/64 dev srv$n nodad; done; ip link set lo up; ip addr add 10.99.0.1/16 dev lo; ip addr add 2001:db8:99::1/48 dev lo nodad',
    { where: 'server' },
  );
  await host.sh(
    'for n in 0 1; do ip link set eth$n up; ip addr add 10.8$((8 + n)).0.2/24 dev eth$n; ip addr add 2001:db8:8$((8 + n))::2/64 dev eth$n nodad; done; ip link set lo up',
  );
  await host.sh('for i in $(seq 100); do ip -6 addr show tentative | grep -q . || exit 0; sleep 0.1; done; exit 1');
  return host;
}

async function configure(host: LabHost, ...routes: string[]): Promise<void> {
  await host.write(
    CONFIG,
    routes.length === 0 ? 'hold: nothing\n' : `routes:\n${routes.map((route) => `  - ${route}\n`).join('')}`,
  );
}

/** The outcomes of routes. A table to which no rule leads has an outcome too, which is no route's. */
async function applied(
  host: LabHost,
  code = 0,
): Promise<{ key: string; result: string; actual: string | null; reason?: string }[]> {
  const done = await host.agent('apply', '--json', '--only', 'routes');
  assert.equal(done.code, code, done.stdout + done.stderr);
  const { outcomes } = JSON.parse(done.stdout) as { outcomes: Awaited<ReturnType<typeof applied>> };
  return outcomes.filter(({ key }) => key.startsWith('route '));
}

/** Lines of iproute2, without what it adds of every route. */
async function ours(host: LabHost, show = 'proto 72 table all'): Promise<string[]> {
  const text = await host.sh(`ip -4 -oneline route show ${show}; ip -6 -oneline route show ${show}`);
  const lines = text
    .split('\n')
    .map((line) => line.replaceAll('\\', '').replace(/ (proto (holdfast|72)|pref medium)/g, ''));
  return lines.map((line) => line.replace(/\s+/g, ' ').trim()).filter((line) => line !== '');
}

const MADE = [
  'prohibit 10.8.0.0/16 table 100',
  '10.2.0.0/16 via 10.88.0.1 dev eth0 table 1000 src 10.88.0.2 metric 50 mtu 1400',
  'default via 10.88.0.1 dev eth0 metric 4000000000',
  '10.1.0.0/16 via 10.88.0.1 dev eth0',
  '10.3.0.0/16 dev eth1 scope link',
  '10.4.0.0/16 via 172.31.0.1 dev eth0 onlink',
  '10.5.0.0/16 nexthop via 10.88.0.1 dev eth0 weight 3 nexthop via 10.89.0.1 dev eth1 weight 1',
  '10.6.0.0/16 via inet6 fe80::1 dev eth0',
  'blackhole 10.7.0.0/16',
  'unreachable 2001:db8:4::/48 dev lo table 100 metric 1024',
  '2001:db8:5::/48 via 2001:db8:88::1 dev eth0 table 100 metric 1024',
  '2001:db8:1::/48 via 2001:db8:88::1 dev eth0 src 2001:db8:88::2 metric 1024 mtu 1300',
  '2001:db8:2::/48 via fe80::1 dev eth1 metric 7',
  '2001:db8:3::/48 metric 1024 nexthop via 2001:db8:88::1 dev eth0 weight 2 nexthop via 2001:db8:89::1 dev eth1 weight 1',
  'default via 2001:db8:88::1 dev eth0 metric 1024',
];

test('static routes: routes of every kind', { skip }, async (t) => {
  await using host = await scene();
  const all = [
    '{ to: 10.1.0.0/16, via: 10.88.0.1 }',
    '{ to: 10.2.0.0/16, via: 10.88.0.1, dev: eth0, table: 1000, metric: 50, src: 10.88.0.2, mtu: 1400 }',
    '{ to: 10.3.0.0/16, dev: eth1 }',
    '{ to: 10.4.0.0/16, via: 172.31.0.1, dev: eth0, onlink: true }',
    '{ to: 10.5.0.0/16, nexthops: [{ via: 10.88.0.1, weight: 3 }, { via: 10.89.0.1, dev: eth1 }] }',
    '{ to: 10.6.0.0/16, via: "fe80::1", dev: eth0 }',
    '{ to: 10.7.0.0/16, type: blackhole }',
    '{ to: 10.8.0.0/16, type: prohibit, table: 100 }',
    '{ to: default, via: 10.88.0.1, metric: 4000000000 }',
    '{ to: "2001:db8:1::/48", via: "2001:db8:88::1", src: "2001:db8:88::2", mtu: 1300 }',
    '{ to: "2001:db8:2::/48", via: "fe80::1", dev: eth1, metric: 7 }',
    '{ to: "2001:db8:3::/48", nexthops: [{ via: "2001:db8:88::1", weight: 2 }, { via: "2001:db8:89::1" }] }',
    '{ to: "2001:db8:4::/48", type: unreachable, table: 100 }',
    '{ to: "2001:db8:5::/48", via: "2001:db8:88::1", table: 100 }',
    '{ to: "::/0", via: "2001:db8:88::1" }',
  ];
  await configure(host, ...all);

  await t.test('plan says them, and does nothing', async () => {
    const plan = await host.agent('plan', '--only', 'routes');
    assert.equal(plan.code, 2, plan.stderr);
    assert.match(
      plan.stdout,
      /^route 10\.2\.0\.0\/16 table 1000 metric 50: \(none\) → via 10\.88\.0\.1 dev eth0 src 10\.88\.0\.2 mtu 1400$/m,
    );
    assert.deepEqual(await ours(host), []);
  });

  await t.test('are made as configured', async () => {
    const outcomes = await applied(host);
    assert.deepEqual(
      outcomes.map(({ result }) => result),
      all.map(() => 'changed'),
      JSON.stringify(outcomes),
    );
    assert.deepEqual(await ours(host), MADE);
  });

  await t.test('are found as they are, and nothing is told to the kernel once more', async () => {
    const monitor = host.spawn(['ip', 'monitor', 'route']);
    let told = '';
    monitor.stdout!.on('data', (data) => (told += data));
    while (told === '')
      await host.sh('ip route add blackhole 10.98.0.0/16; ip route del blackhole 10.98.0.0/16; sleep 0.1');
    const outcomes = await applied(host);
    assert.deepEqual(
      outcomes.map(({ result }) => result),
      all.map(() => 'ok'),
      JSON.stringify(outcomes),
    );
    assert.equal((await host.agent('plan', '--only', 'routes')).code, 0);
    assert.deepEqual(
      told.split('\n').filter((line) => line !== '' && !line.includes('10.98.')),
      [],
    );
    await host.sh('pkill -x ip');
  });

  await t.test('show in status', async () => {
    const status = await host.agent('status', '--only', 'routes');
    assert.match(status.stdout, /^routes\.10\.2\.0\.0\/16 table 1000 metric 50\s+✓/m, status.stdout);
  });

  await t.test('go when they are not wanted any more, and nobody else’s with them', async () => {
    await host.sh('ip route add 10.70.0.0/16 via 10.88.0.1; ip route add 10.1.0.0/16 via 10.88.0.1 metric 9 proto bgp');
    await configure(host, all[0]!, all[9]!);
    const plan = await host.agent('plan', '--only', 'routes');
    assert.match(plan.stdout, /^route 10\.7\.0\.0\/16: blackhole → \(none\)$/m);
    await applied(host);
    assert.deepEqual(await ours(host), [MADE[3], MADE[11]]);
    const left = await host.sh('ip route');
    assert.match(left, /^10\.70\.0\.0\/16 via/m);
    assert.match(left, /^10\.1\.0\.0\/16 via 10\.88\.0\.1 dev eth0 proto bgp/m);
    assert.equal((await host.agent('plan', '--only', 'routes')).code, 0);
    await configure(host);
    await applied(host);
    assert.deepEqual(await ours(host), []);
  });
});

test('static routes: a route is changed in the same moment, so that no packet finds none', { skip }, async (t) => {
  await using host = await scene();
  const V4 = '10.99.0.0/16';
  const V6 = '"2001:db8:99::/48"';
  const reach = 'ping -n -i 0.004 -w 60';
  const start = [`{ to: ${V4}, via: 10.88.0.1 }`, `{ to: ${V6}, via: "2001:db8:88::1" }`];
  const changes: [what: string, ...routes: string[]][] = [
    ['another gateway', `{ to: ${V4}, via: 10.89.0.1 }`, `{ to: ${V6}, via: "2001:db8:89::1" }`],
    ['an mtu', `{ to: ${V4}, via: 10.89.0.1, mtu: 1400 }`, `{ to: ${V6}, via: "2001:db8:89::1", mtu: 1400 }`],
    [
      'several next hops',
      `{ to: ${V4}, nexthops: [{ via: 10.88.0.1 }, { via: 10.89.0.1 }] }`,
      `{ to: ${V6}, nexthops: [{ via: "2001:db8:88::1" }, { via: "2001:db8:89::1" }] }`,
    ],
    [
      'their weights',
      `{ to: ${V4}, nexthops: [{ via: 10.88.0.1, weight: 5 }, { via: 10.89.0.1 }] }`,
      `{ to: ${V6}, nexthops: [{ via: "2001:db8:88::1", weight: 5 }, { via: "2001:db8:89::1" }] }`,
    ],
    ['one again', ...start],
    ['a metric', `{ to: ${V4}, via: 10.88.0.1, metric: 700 }`, `{ to: ${V6}, via: "2001:db8:88::1", metric: 700 }`],
  ];
  await configure(host, ...start);
  await applied(host);

  /** Lost pings (one every 4 ms) and the kernel's messages while `work` runs. */
  async function meanwhile(deed: () => Promise<unknown>) {
    const monitor = host.spawn(['ip', '-oneline', 'monitor', 'route']);
    let told = '';
    monitor.stdout!.on('data', (data) => (told += data));
    const pings = host.sh(`${reach} 10.99.0.1 >/run/lab/4 & ${reach} 2001:db8:99::1 >/run/lab/6; wait`).catch(() => '');
    // Both are at work before anything is done.
    await host.sh('until grep -q "bytes from" /run/lab/4 && grep -q "bytes from" /run/lab/6; do sleep 0.05; done');
    while (!told.includes('10.98.'))
      await host.sh('ip route add blackhole 10.98.0.0/16; ip route del blackhole 10.98.0.0/16; sleep 0.1');
    await deed();
    await host.sh('sleep 0.5; pkill -INT -x ping');
    await pings;
    await host.sh('pkill -x ip');
    const lost = await Promise.all(
      ['4', '6'].map(async (family) => {
        const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(
          await host.read(`/run/lab/${family}`),
        )!;
        assert.ok(Number(sent) > 20, `${sent} pings`);
        return Number(sent) - Number(received);
      }),
    );
    return { lost, told: told.split('\n').filter((line) => line.includes('10.99.') || line.includes('2001:db8:99:')) };
  }

  await t.test('control: taken away and made again, packets are lost', async () => {
    const { lost, told } = await meanwhile(() =>
      host.sh(`ip route del ${V4}; ip -6 route del 2001:db8:99::/48; sleep 0.05
        ip route add ${V4} via 10.88.0.1 proto 72; ip -6 route add 2001:db8:99::/48 via 2001:db8:88::1 proto 72`),
    );
    assert.ok(
      lost.every((count) => count > 0),
      `lost ${lost}`,
    );
    assert.ok(told.some((line) => line.startsWith('Deleted')));
  });

  for (const [what, ...routes] of changes) {
    await t.test(`${what}: none is lost`, async () => {
      await configure(host, ...routes);
      const { lost, told } = await meanwhile(() => applied(host));
      assert.deepEqual(lost, [0, 0]);
      const deleted = told.map((line, at) => ({ line, at })).filter(({ line }) => line.startsWith('Deleted'));
      if (what !== 'a metric') assert.deepEqual(deleted, []);
      else {
        assert.equal(deleted.length, 2);
        assert.ok(
          deleted.every(({ at }) => at >= 2),
          `the new one comes before the old one goes: ${told.join('\n')}`,
        );
      }
    });
  }
});

test('static routes: somebody else’s route to the same place', { skip }, async (t) => {
  const V4 = '10.99.0.0/16';
  const V6 = '"2001:db8:99::/48"';
  const routes = (more = '') => [`{ to: ${V4}, via: 10.88.0.1${more} }`, `{ to: ${V6}, via: "2001:db8:88::1"${more} }`];
  const theirs = 'proto bgp table all';
  await using host = await scene();
  await host.sh(`ip route add ${V4} proto bgp nexthop via 10.89.0.1 weight 7 nexthop via 10.88.0.1
    ip -6 route add ${V6} proto bgp via 2001:db8:89::1 mtu 1400`);
  const before = await ours(host, theirs);

  await t.test('is reported with whose it is, and left', async () => {
    await configure(host, ...routes());
    const outcomes = await applied(host, 4);
    for (const { result, reason } of outcomes) {
      assert.equal(result, 'failed');
      assert.match(
        reason!,
        /^the present route is of bgp: via .* Holdfast replaces that route only with takeOver: true$/,
      );
    }
    assert.deepEqual(await ours(host, theirs), before);
    assert.deepEqual(await ours(host), []);
  });

  await t.test('gives way to takeOver', async () => {
    await configure(host, ...routes(', takeOver: true'));
    await applied(host);
    assert.deepEqual(await ours(host, theirs), []);
    assert.equal((await ours(host)).length, 2);
    // Changed once more: what was there first is what is remembered.
    await configure(host, ...routes(', takeOver: true, mtu: 1300'));
    await applied(host);
  });

  await t.test('is there again when ours is not wanted any more', async () => {
    await configure(host, routes(', takeOver: true, mtu: 1300')[1]!);
    const [outcome] = (await applied(host)).filter(({ result }) => result === 'changed');
    assert.equal(outcome!.reason, 'the route that was there before is there again');
    assert.deepEqual(await ours(host, theirs), [before[0]]);
  });

  await t.test('and after revert', async () => {
    const reverted = await host.agent('revert', '--json');
    assert.equal(reverted.code, 0, reverted.stdout + reverted.stderr);
    assert.deepEqual(await ours(host, theirs), before);
    assert.deepEqual(await ours(host), []);
    assert.equal(host.exists('/run/holdfast/routes'), false);
  });

  await t.test('is as good as ours where it is the same', async () => {
    await host.sh(
      `ip route replace ${V4} via 10.88.0.1 proto static; ip -6 route replace ${V6} via 2001:db8:88::1 proto static`,
    );
    await configure(host, ...routes());
    for (const { result } of await applied(host)) assert.equal(result, 'ok');
    assert.deepEqual(await ours(host), []);
  });
});

test('static routes: what has gone by itself is forgotten, and is no reason to look ever again', { skip }, async () => {
  await using host = await scene();
  await configure(host, '{ to: 10.1.0.0/16, via: 10.88.0.1 }', '{ to: "2001:db8:1::/48", via: "2001:db8:88::1" }');
  await applied(host);
  await host.write('/run/holdfast/routes.hook', await host.read('/run/holdfast/routes'));
  await host.sh('ip route flush proto 72; ip -6 route flush proto 72');
  await configure(host);
  assert.deepEqual(await applied(host), []);
  assert.equal(await host.sh('ls /run/holdfast | grep routes || :'), '');
});

test('static routes: what revert takes away', { skip }, async () => {
  await using host = await scene();
  await configure(
    host,
    '{ to: 10.1.0.0/16, via: 10.88.0.1 }',
    '{ to: "2001:db8:1::/48", via: "2001:db8:88::1", table: 7 }',
  );
  await applied(host);
  await host.sh('echo damaged >/run/holdfast/routes; ip route add 10.2.0.0/16 via 10.88.0.1 proto static');
  const reverted = await host.agent('revert');
  assert.equal(reverted.code, 0, reverted.stdout + reverted.stderr);
  assert.deepEqual(await ours(host), []);
  assert.match(await host.sh('ip route'), /10\.2\.0\.0\/16/);
});

test('static routes: a gateway that is an address of the host itself is said to be that', { skip }, async () => {
  await using host = await scene();
  await configure(
    host,
    '{ to: "2001:db8:1::/48", via: "2001:db8:88::2" }',
    '{ to: "2001:db8:2::/48", via: "2001:db8:88::2", dev: eth0 }',
  );
  for (const { key, result, reason } of await applied(host)) {
    assert.equal(result, 'skipped', key);
    assert.match(String(reason), /2001:db8:88::2 is an address of this host itself/, key);
  }
  assert.deepEqual(await ours(host), []);
});

test('static routes: what cannot be there yet waits, and is no failure', { skip }, async (t) => {
  await using host = await scene();
  await host.sh('ip link set eth1 down');
  const waiting: [route: string, why: RegExp][] = [
    ['{ to: 10.1.0.0/16, dev: eth7 }', /via|dev eth7: there is no interface eth7 now/],
    ['{ to: 10.2.0.0/16, via: 10.89.0.1, dev: eth1 }', /the interface eth1 is down/],
    ['{ to: 10.3.0.0/16, via: 10.89.0.1 }', /10\.89\.0\.1 is in no network of this host now/],
    ['{ to: 10.4.0.0/16, via: 10.77.0.1, dev: eth0 }', /10\.77\.0\.1 is in no network on eth0 now/],
    ['{ to: 10.5.0.0/16, via: 10.88.0.1, src: 10.77.0.5 }', /10\.77\.0\.5 is no address of this host now/],
    ['{ to: "2001:db8:1::/48", dev: eth7 }', /there is no interface eth7 now/],
    ['{ to: "2001:db8:2::/48", via: "fe80::1", dev: eth1 }', /the interface eth1 is down/],
    ['{ to: "2001:db8:3::/48", via: "2001:db8:89::1" }', /2001:db8:89::1 is in no network of this host now/],
    [
      '{ to: "2001:db8:5::/48", via: "2001:db8:88::1", src: "2001:db8::5" }',
      /2001:db8::5 is no address of this host now/,
    ],
  ];
  const part = [
    '{ to: 10.6.0.0/16, nexthops: [{ via: 10.88.0.1 }, { via: 10.89.0.1 }, { via: 10.77.0.1, dev: eth7 }] }',
    '{ to: "2001:db8:6::/48", nexthops: [{ via: "2001:db8:88::1" }, { via: "2001:db8:89::1" }] }',
  ];
  await configure(host, ...waiting.map(([route]) => route), ...part);

  await t.test('each says for what', async () => {
    const outcomes = await applied(host);
    for (const [at, [route, why]] of waiting.entries()) {
      const { result, reason } = outcomes[at]!;
      assert.equal(result, 'skipped', route);
      assert.match(reason!, why);
    }
    for (const { result, reason, actual } of outcomes.slice(waiting.length)) {
      assert.equal(result, 'changed');
      assert.match(String(actual), /^via (10\.88\.0\.1|2001:db8:88::1)/, 'it is made, not removed');
      assert.match(
        reason!,
        /made without these next hops for now: via .*89.*: .*89.* is in no network of this host now/,
      );
    }
    assert.deepEqual(await ours(host), [
      '10.6.0.0/16 via 10.88.0.1 dev eth0',
      '2001:db8:6::/48 via 2001:db8:88::1 dev eth0 metric 1024',
    ]);
    assert.equal((await host.agent('plan', '--only', 'routes')).code, 0);
    for (const { result } of await applied(host)) assert.equal(result, 'skipped');
  });

  await t.test('and is made when it comes', async () => {
    await host.sh('ip link set eth1 up; ip addr add 2001:db8:89::2/64 dev eth1 nodad');
    await host.sh(
      'ip link add eth7 type veth peer name eth8; ip link set eth7 up; ip link set eth8 up; ip addr add 10.77.0.5/24 dev eth7; ip addr add 2001:db8::5/128 dev eth7 nodad',
    );
    await applied(host);
    assert.deepEqual(
      (await ours(host)).length,
      waiting.length + part.length - 1,
      'all but the one that eth0 has no network for',
    );
  });

  await t.test('what the kernel never takes is a failure', async () => {
    await configure(host, '{ to: 10.9.0.0/16, via: 10.88.0.255, dev: eth0 }');
    const outcome = (await applied(host, 4)).find(({ result }) => result === 'failed');
    const why =
      /^the kernel refuses it \(EINVAL\): 10\.88\.0\.255 is the address of a whole network .*; write the gateway's own$/;
    assert.match(outcome!.reason!, why);
    assert.match(
      (await host.agent('plan', '--only', 'routes')).stdout,
      /10\.88\.0\.255 is the address of a whole network/,
    );
  });
});

test('routes: one that has its own gateway behind it is made, and stays as wanted', { skip }, async () => {
  await using host = await scene();
  await host.sh('ip -6 route flush proto ra');
  const connected = await ours(host, 'proto kernel');
  await configure(
    host,
    // In the place of the connected network …
    '{ to: 10.88.0.0/24, via: 10.88.0.9, dev: eth0, takeOver: true }',
    '{ to: "2001:db8:88::/64", via: "2001:db8:88::9", dev: eth0, metric: 256, takeOver: true }',
    // … and in the place of a part of it.
    '{ to: 10.89.0.128/25, via: 10.89.0.200 }',
  );
  for (const { result, reason } of await applied(host)) assert.equal(result, 'changed', reason);
  for (let n = 0; n < 2; n += 1) {
    assert.equal((await host.agent('plan', '--only', 'routes')).code, 0);
    for (const { result } of await applied(host)) assert.equal(result, 'ok');
  }
  await configure(host);
  await applied(host);
  assert.deepEqual((await ours(host, 'proto kernel')).sort(), connected.sort());
});
