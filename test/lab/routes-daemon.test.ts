/** `agent run` and its routes: a route that any program removes is back as soon as the kernel takes it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunningAgent } from '../parts/lab/daemon.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';

const skip = unavailable({ python3: 'python3-minimal', strace: 'strace' });

/** Milliseconds from a deed on until the host has a route again, as `ip monitor` stamps it. */
const CLOCK = `
import subprocess, sys, time
deed, wanted = sys.argv[1], sys.argv[2:]
monitor = subprocess.Popen(['ip', '-oneline', 'monitor', 'route'], stdout=subprocess.PIPE, text=True)
time.sleep(0.3)
subprocess.run(['sh', '-ec', deed], check=True)
begin = time.monotonic()
missing = set(wanted)
while missing:
    line = monitor.stdout.readline()
    if line.startswith('Deleted'): continue
    missing -= {one for one in missing if line.startswith(one + ' ') and ' proto 72 ' in line.replace('holdfast', '72')}
print(round((time.monotonic() - begin) * 1000))
monitor.kill()
`;

test('routes daemon: routes that vanish are made again', { skip }, async (t) => {
  await using host = await LabHost.create({ interfaces: 2 });
  await host.sh('for n in 0 1; do ip link set srv$n up; done', { where: 'server' });
  const up = (n: number) =>
    `ip link set eth${n} up; ip addr replace 10.8${8 + n}.0.2/24 dev eth${n}; ip addr replace 2001:db8:8${8 + n}::2/64 dev eth${n} nodad`;
  await host.sh(`${up(0)}; ${up(1)}`);
  await host.write('/run/lab/clock.py', CLOCK);
  await host.write(
    '/etc/holdfast/agent.yaml',
    `routes:
  - { to: 10.1.0.0/16, via: 10.88.0.1 }
  - { to: 10.2.0.0/16, via: 10.89.0.1, dev: eth1 }
  - { to: "2001:db8:1::/48", via: "2001:db8:88::1" }
  - { to: "2001:db8:2::/48", via: "2001:db8:89::1", dev: eth1 }
report: { interval: 1h }
`,
  );
  const agent = await RunningAgent.start(host);

  /** The deed makes it possible again. */
  const back = async (what: string, deed: string, ...routes: string[]) => {
    const [ms] = (
      await host.sh(`python3 /run/lab/clock.py "$0" ${routes.join(' ')}`.replace('"$0"', `'${deed}'`))
    ).split('\n');
    t.diagnostic(`${what}: back after ${ms} ms`);
    const plan = await host.agent('plan', '--only', 'routes');
    assert.equal(plan.code, 0, plan.stdout);
  };

  await t.test('removed by somebody, who is named', async () => {
    const named = /^route \S+ was changed \(by (ip\[\d+\]|the process of netlink port \d+)\) and is put right/;
    // A look every ten seconds may see it before the kernel's word is read, and cannot tell by whom: not three times running.
    for (let tries = 1; ; tries += 1) {
      await back(
        'ip route del',
        'ip route del 10.1.0.0/16; ip -6 route del 2001:db8:1::/48',
        '10.1.0.0/16',
        '2001:db8:1::/48',
      );
      const { msg } = await agent.event('holdfast.heal');
      if (named.test(msg) || tries === 3) return assert.match(msg, named);
    }
  });

  await t.test('flushed', async () => {
    await back(
      'ip route flush',
      'ip route flush proto 72; ip -6 route flush proto 72',
      '10.1.0.0/16',
      '10.2.0.0/16',
      '2001:db8:1::/48',
      '2001:db8:2::/48',
    );
  });

  await t.test('their link goes down and comes up', async () => {
    await host.sh('ip link set eth1 down');
    await host.sh(
      'for i in $(seq 100); do agent status --json | grep -q "eth1 is down" && exit 0; sleep 0.2; done; exit 1',
    );
    await back('link up', up(1), '10.2.0.0/16', '2001:db8:2::/48');
    for (let told = 0; told < 2; ) told += Number((await agent.event('holdfast.awaited')).count ?? 1);
  });

  await t.test('their link flaps', async () => {
    await back('link flap', `ip link set eth1 down; ${up(1)}`, '10.2.0.0/16', '2001:db8:2::/48');
  });

  await t.test('their interface is another one of the same name', async () => {
    await host.sh('ip link del eth1');
    await back(
      'interface made anew',
      `ip link add eth1 type veth peer name srv1 netns server; ip netns exec server ip link set srv1 up; ${up(1)}`,
      '10.2.0.0/16',
      '2001:db8:2::/48',
    );
  });

  await t.test('replaced by somebody: reported with whose it is now, and left', async () => {
    await host.sh('ip route replace 10.1.0.0/16 via 10.89.0.1 proto bgp');
    const { msg } = await agent.event('holdfast.drift');
    assert.match(
      msg,
      /^route 10\.1\.0\.0\/16 is not as wanted: the present route is of bgp: via 10\.89\.0\.1 dev eth1/,
    );
    await back('the other one removed', 'ip route del 10.1.0.0/16 proto bgp', '10.1.0.0/16');
  });

  assert.equal(await agent.stop(), 0);
  assert.match(await host.sh('ip route show proto 72'), /10\.1\.0\.0/, 'and outlives the daemon');
});

test('many routes that vanish together are made again in one pass', { skip }, async (t) => {
  await using host = await LabHost.create();
  await host.sh('ip link set srv0 up', { where: 'server' });
  await host.sh('ip link set eth0 up; ip addr add 10.88.0.2/24 dev eth0; ip addr add 2001:db8:88::2/64 dev eth0 nodad');
  const each = Array.from({ length: 500 }, (_, i) => i);
  const routes = [
    ...each.map((i) => `{ to: 10.${100 + (i >> 8)}.${i & 255}.0/24, via: 10.88.0.1 }`),
    ...each.map((i) => `{ to: "2001:db8:1${i.toString(16).padStart(3, '0')}::/48", via: "2001:db8:88::1" }`),
  ];
  const yaml = `routes:\n${routes.map((route) => `  - ${route}\n`).join('')}report: { interval: 1h }\n`;
  await host.write('/etc/holdfast/agent.yaml', yaml);
  await host.sh('strace -f -qq -c -o /run/lab/calls agent apply --quiet --only routes');
  const calls = Number(/(\d+)(?:\s+\d+)?\s+total/.exec(await host.read('/run/lab/calls'))?.[1]);
  t.diagnostic(`1,000 routes: apply made ${calls} system calls`);
  assert.ok(calls < 60_000, `${calls}: one by one, each with a look at all of them, it would be a million`);
  const agent = await RunningAgent.start(host);
  await host.sh('ip -4 route flush proto 72; ip -6 route flush proto 72');
  let [healed, events] = [0, 0];
  for (; healed < 1_000; events += 1) healed += Number((await agent.event('holdfast.heal')).count ?? 1);
  t.diagnostic(`${healed} heals, told in ${events} events`);
  assert.ok(events < 100, `${events} events`);
  assert.equal((await host.agent('plan', '--only', 'routes')).code, 0);
  await agent.stop();
});

test('routes: who takes a route away again and again is told, and the fight ends', { skip }, async () => {
  await using host = await LabHost.create();
  await host.sh('ip link set srv0 up', { where: 'server' });
  await host.sh('ip link set eth0 up; ip addr add 10.88.0.2/24 dev eth0');
  await host.write(
    '/etc/holdfast/agent.yaml',
    'routes: [{ to: 10.1.0.0/16, via: 10.88.0.1 }]\nreport: { interval: 1h }\n',
  );
  const agent = await RunningAgent.start(host);
  const fight = host.spawn(['sh', '-c', 'while :; do ip route del 10.1.0.0/16 2>/dev/null; sleep 0.05; done']);
  // A program that undoes the change within one apply is reported as a failure, a slower one as a suspension.
  const ended = await agent.log.until(/"event":"holdfast\.heal\.(suspended|failed)"/);
  assert.match(ended, /changed again and again|the change does not stay/);
  assert.ok(agent.count('holdfast.heal') <= 10);
  fight.kill();
  await agent.stop();
});
