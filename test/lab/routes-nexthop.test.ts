/** Routes by nexthop objects of another program, on a throw-away host: seen with iproute2, and by packets that arrive. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunningAgent } from '../parts/lab/daemon.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';

const skip = unavailable();
const V4 = '10.99.0.0/16';
const V6 = '2001:db8:99::/48';
const OBJECTS = `
  ip nexthop replace id 41 via 10.88.0.1 dev eth0; ip nexthop replace id 43 via 10.89.0.1 dev eth1
  ip nexthop replace id 61 via 2001:db8:88::1 dev eth0; ip nexthop replace id 63 via 2001:db8:89::1 dev eth1
  ip nexthop replace id 42 group 41,3/43 type resilient buckets 8; ip nexthop replace id 62 group 61/63`;
const ROUTES = `routes:
  - { to: ${V4}, nhid: 42 }
  - { to: "${V6}", nhid: 62, mtu: 1400 }
`;

/** Two links to a server that has both far networks. */
async function scene(config = ROUTES): Promise<LabHost> {
  const host = await LabHost.create({ interfaces: 2 });
  const side = (last: number, name: string) => `for n in 0 1; do ip link set ${name}$n up
    ip addr add 10.8$((8 + n)).0.${last}/24 dev ${name}$n; ip addr add 2001:db8:8$((8 + n))::${last}/64 dev ${name}$n nodad; done`;
  await host.sh(
    `${side(1, 'srv')}; ip link set lo up; ip addr add 10.99.0.1/16 dev lo; ip addr add 2001:db8:99::1/48 dev lo nodad`,
    { where: 'server' },
  );
  await host.sh(`${side(2, 'eth')}
    for i in $(seq 100); do ip -6 addr show tentative | grep -q . || exit 0; sleep 0.1; done; exit 1`);
  await host.write('/etc/holdfast/agent.yaml', config);
  return host;
}

async function applied(host: LabHost, code = 0): Promise<{ key: string; result: string; reason?: string }[]> {
  const done = await host.agent('apply', '--json', '--only', 'routes');
  assert.equal(done.code, code, done.stdout + done.stderr);
  return JSON.parse(done.stdout).outcomes;
}

/** Number of the object and protocol by destination. */
async function byObject(host: LabHost): Promise<Record<string, [nhid: number | undefined, protocol: string]>> {
  const routes = [...JSON.parse(await host.sh('ip -json route')), ...JSON.parse(await host.sh('ip -6 -json route'))];
  const far = routes.filter(({ dst }) => dst === V4 || dst === V6);
  return Object.fromEntries(far.map(({ dst, nhid, protocol }) => [dst, [nhid, String(protocol)]]));
}

const OURS = { [V4]: [42, '72'], [V6]: [62, '72'] };

async function arrives(host: LabHost): Promise<void> {
  await host.sh('ping -c 1 -W 5 10.99.0.1 && ping -c 1 -W 5 2001:db8:99::1');
}

test('routes: configured routes use nexthop objects of another program', { skip }, async (t) => {
  await using host = await scene();

  await t.test('that are not there yet: they wait, and it is no failure', async () => {
    const outcomes = await applied(host);
    assert.deepEqual(
      outcomes.map(({ result, reason }) => [result, reason]),
      [42, 62].map((id) => ['skipped', `waits: nexthop object ${id}: there is none now`]),
    );
    const plan = await host.agent('plan', '--only', 'routes');
    assert.equal(plan.code, 0, plan.stdout);
  });

  await t.test('are made by them, and packets arrive', async () => {
    await host.sh(OBJECTS);
    const plan = await host.agent('plan', '--only', 'routes');
    assert.match(plan.stdout, /^route 10\.99\.0\.0\/16: \(none\) → nhid 42$/m);
    assert.deepEqual(
      (await applied(host)).map(({ result }) => result),
      ['changed', 'changed'],
    );
    assert.deepEqual(await byObject(host), OURS);
    assert.match(await host.sh(`ip -6 route show ${V6}`), /mtu 1400/);
    await arrives(host);
  });

  await t.test('are found as they are, also where the kernel does not say what the object has', async () => {
    for (const mode of [0, 1]) {
      await host.sh(`sysctl -qw net.ipv4.nexthop_compat_mode=${mode}`);
      assert.deepEqual(
        (await applied(host)).map(({ result }) => result),
        ['ok', 'ok'],
      );
    }
  });

  await t.test('stay when the object is made another one', async () => {
    await host.sh('ip nexthop replace id 42 group 43 type resilient buckets 8; ip nexthop replace id 62 group 63');
    assert.deepEqual(
      (await applied(host)).map(({ result }) => result),
      ['ok', 'ok'],
    );
    await arrives(host);
    await host.sh(OBJECTS);
  });

  await t.test('are put right where they go another way', async () => {
    await host.sh(`ip route replace ${V4} via 10.88.0.1 proto 72
      ip -6 route del ${V6}; ip -6 route add ${V6} via 2001:db8:88::1 mtu 1400 proto 72`);
    assert.deepEqual(
      (await applied(host)).map(({ result }) => result),
      ['changed', 'changed'],
    );
    assert.deepEqual(await byObject(host), OURS);
  });

  await t.test('become routes of their own, and back', async () => {
    await host.write('/etc/holdfast/agent.yaml', `routes: [{ to: ${V4}, via: 10.88.0.1 }]\n`);
    await applied(host);
    assert.deepEqual(await byObject(host), { [V4]: [undefined, '72'] });
    await host.write('/etc/holdfast/agent.yaml', ROUTES);
    await applied(host);
    assert.deepEqual(await byObject(host), OURS);
  });

  await t.test('and go at revert; the objects are not ours to take away', async () => {
    const reverted = await host.agent('revert', '--json');
    assert.equal(reverted.code, 0, reverted.stdout + reverted.stderr);
    assert.deepEqual(await byObject(host), {});
    assert.match(await host.sh('ip nexthop'), /^id 42 group /m);
  });
});

test('routes: somebody else’s route by an object gives way to takeOver, and is there again', { skip }, async () => {
  const theirs = { [V4]: [42, 'bgp'], [V6]: [62, 'bgp'] };
  await using host = await scene(`routes:
  - { to: ${V4}, via: 10.88.0.1, takeOver: true }
  - { to: "${V6}", via: "2001:db8:88::1", takeOver: true }
`);
  await host.sh(`${OBJECTS}; ip route add ${V4} nhid 42 proto bgp; ip -6 route add ${V6} nhid 62 proto bgp`);
  assert.deepEqual(await byObject(host), theirs);
  await applied(host);
  assert.deepEqual(await byObject(host), { [V4]: [undefined, '72'], [V6]: [undefined, '72'] });
  const reverted = await host.agent('revert', '--json');
  assert.equal(reverted.code, 0, reverted.stdout + reverted.stderr);
  assert.deepEqual(await byObject(host), theirs);
});

test('routes: an object that goes takes its routes away, and with its return they are back', { skip }, async () => {
  await using host = await scene(`${ROUTES}report: { interval: 1h }\n`);
  await host.sh(OBJECTS);
  const agent = await RunningAgent.start(host);
  const until = (what: string, test: string) =>
    host.sh(`for i in $(seq 300); do ${test} && exit 0; sleep 0.1; done; echo ${what} >&2; exit 1`);
  await until('made at the start', `ip route show ${V4} | grep -q "nhid 42"`);
  await until('made at the start', `ip -6 route show ${V6} | grep -q "nhid 62"`);

  // Control: the kernel takes them away, of IPv4 without a word.
  await host.sh('ip nexthop del id 42; ip nexthop del id 62');
  assert.deepEqual(await byObject(host), {});
  await until('is said', `agent status --json | grep -q "nexthop object 42: there is none now"`);

  await host.sh(OBJECTS);
  // Both routes, in one event or in two.
  for (let made = 0; made < 2; ) made += Number((await agent.event('holdfast.awaited')).count ?? 1);
  assert.deepEqual(await byObject(host), OURS);
  await arrives(host);
  assert.equal(await agent.stop(), 0);
});
