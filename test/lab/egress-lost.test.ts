/** `egress` when something is lost: BGP's route, its only gateway, the agent, the configuration. Never without a way out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunningAgent } from '../parts/lab/daemon.ts';
import { connect, Dhclient, startDhcpServer } from '../parts/lab/dhcp.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';

const skip = unavailable({ python3: 'python3-minimal' });
/** The wire with the DHCP server; BGP's gateway is on the first. */
const WIRE = 1;
const CONFIG = '/etc/holdfast/agent.yaml';
const BEHIND = 'default via 10.77.1.1 dev eth1 proto dhcp metric 4261412864';
const BGP = 'default via inet6 fe80::77 dev eth0 proto bgp metric 20';

/** Milliseconds for which the host has no default route, after BGP's was taken away. */
const GAP = `
import subprocess, sys, time
monitor = subprocess.Popen(['ip', '-4', '-oneline', 'monitor', 'route'], stdout=subprocess.PIPE, text=True)
time.sleep(0.3)
subprocess.run(['ip', '-4', 'route', 'del', 'default', 'proto', 'bgp'], check=True)
begin = time.monotonic()
while not monitor.stdout.readline().startswith('default via 10.77.1.1'): pass
print(round((time.monotonic() - begin) * 1000))
monitor.kill()
`;

const defaults = async (host: LabHost) =>
  (await host.sh('ip -4 -o route show default'))
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
const used = (host: LabHost) => host.sh('ip -4 route get 198.18.0.1');
const until = (host: LabHost, what: string) =>
  host.sh(`for i in $(seq 600); do ${what} && exit 0; sleep 0.1; done; ip -4 route; exit 1`);
const killed = async (host: LabHost) => {
  await host.sh('kill -9 $(cat /run/lab/agent.pid)');
};

test('egress: BGP’s default route by a gateway of IPv6, and what becomes of DHCP’s', { skip }, async (t) => {
  await using host = await LabHost.create({ interfaces: 2 });
  const gateway = (deed: 'add' | 'del') =>
    host.sh(`ip -6 addr ${deed} fe80::77/64 dev srv0 ${deed === 'add' ? 'nodad' : ''}`, { where: 'server' });
  await host.sh('ip link set srv0 up', { where: 'server' });
  await gateway('add');
  await host.sh('ip link set eth0 up; ip link set lo up; ip addr add 10.88.0.2/24 dev eth0');
  await until(host, 'ping -c1 -W1 fe80::77%eth0 >/dev/null');
  await connect(host, WIRE);
  await startDhcpServer(host, { wire: WIRE, renewEvery: 2 });
  await host.write('/run/lab/gap.py', GAP);
  await host.write(CONFIG, 'egress: { default: bgp }\nreport: { interval: 1h }\n');
  assert.equal((await host.agent('apply')).code, 0);
  const client = Dhclient.start(host, { wire: WIRE });
  await client.leased();
  await host.sh(`ip -4 route add ${BGP}`);
  const agent = await RunningAgent.start(host);

  await t.test('DHCP’s is taken away once the gateway has answered', async () => {
    const { msg } = await agent.event('holdfast.egress.dropped');
    assert.match(
      msg,
      /^deleted DHCP's default route by 10\.77\.1\.1 on eth1: the default route by fe80::77 on eth0 \(bgp\) stands/,
    );
    assert.deepEqual(await defaults(host), [BGP]);
  });

  await t.test('BGP’s is withdrawn: the kernel tells, and DHCP’s is there again', async (t) => {
    const gaps: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      // The same as after 30 s.
      if (n > 0) {
        await host.sh(`ip -4 route add ${BGP}; echo dropped >/run/holdfast/egress; ip -4 route del default dev eth1`);
      }
      gaps.push(Number(await host.sh('python3 /run/lab/gap.py')));
      await until(host, `grep -q behind /run/holdfast/egress`);
    }
    gaps.sort((a, b) => a - b);
    t.diagnostic(`without a default route for ${gaps.join(', ')} ms`);
    // A look each second would take half a second in the middle.
    assert.ok(gaps[2]! < 300, gaps.join());
    assert.deepEqual(await defaults(host), [BEHIND]);
  });

  await t.test('its gateway is dead, its route stands: DHCP’s is used, ahead of it', async () => {
    await host.sh(`ip -4 route add ${BGP}; ping -c1 -W5 fe80::77%eth0`);
    await until(host, 'ip -4 route get 198.18.0.1 | grep -q fe80::77');
    await gateway('del');
    await host.sh('ip -6 neigh flush dev eth0; ping -c1 -W1 198.18.0.1 || :');
    await until(host, 'ip -4 route get 198.18.0.1 | grep -q "via 10.77.1.1 dev eth1"');
    const back = await agent.log.until(/ahead of the one by/);
    assert.match(
      back,
      /put DHCP's default route by 10\.77\.1\.1 on eth1 ahead of the one by fe80::77 on eth0 \(bgp\): fe80::77 on eth0 has not answered/,
    );
    const { stdout } = await host.agent('apply');
    assert.match(stdout, /it was put ahead of BGP’s, and fe80::77 on eth0 has not answered/);
    assert.match(await used(host), /dev eth1/);
  });

  await t.test(
    'as FRR does it: BGP’s goes as another one is ahead, and that one stays while the gateway is silent',
    async () => {
      await host.sh('ip -4 route del default proto bgp');
      const { stdout } = await host.agent('apply');
      assert.match(stdout, /it was put ahead of BGP’s, and fe80::77 on eth0 has not answered/);
      assert.deepEqual(await defaults(host), ['default via 10.77.1.1 dev eth1']);
      await host.sh(`ip -4 route add ${BGP}`);
    },
  );

  await t.test('it answers again: after a while BGP’s is used', async () => {
    await gateway('add');
    await until(host, 'ip -4 route get 198.18.0.1 | grep -q fe80::77');
    await agent.event('holdfast.egress.dropped');
    assert.deepEqual(await defaults(host), [BGP]);
  });

  await t.test('the agent is killed, then BGP’s goes: the next renewal brings DHCP’s back', async () => {
    await killed(host);
    await host.sh('ip -4 route del default proto bgp');
    await until(host, 'ip -4 route show default | grep -q .');
    assert.deepEqual(await defaults(host), [BEHIND]);
    assert.equal((await host.read('/run/holdfast/egress')).trim(), 'behind');
    assert.equal(client.declined, 0);
  });

  await t.test('egress is no longer configured, and nobody runs: apply gives it back first', async () => {
    await host.sh(`ip -4 route add ${BGP}; ip -4 route del default dev eth1; echo dropped >/run/holdfast/egress`);
    await host.write(CONFIG, 'sysctl: { net.ipv4.ip_forward: 0 }\n');
    const plan = await host.agent('plan');
    assert.match(plan.stdout, /default via 10\.77\.1\.1 dev eth1: \(none\) → the metric that dhclient-script gives it/);
    const { code, stdout } = await host.agent('apply', '--json');
    assert.equal(code, 0, stdout);
    const changed = JSON.parse(stdout).outcomes.filter(({ result }: { result: string }) => result === 'changed');
    assert.equal(changed[0].key, 'default via 10.77.1.1 dev eth1', stdout);
    assert.deepEqual(await defaults(host), ['default via 10.77.1.1 dev eth1', BGP]);
    assert.match((await host.agent('apply')).stdout, / 0 changed$/m);
  });

  for (const command of ['apply', 'revert']) {
    await t.test(`${command} --only hooks takes the hooks away: not before it is given back`, async () => {
      await host.write(CONFIG, 'egress: { default: bgp }\n');
      await host.sh('agent apply; ip -4 route del default dev eth1; echo dropped >/run/holdfast/egress');
      await host.write(CONFIG, 'sysctl: { net.ipv4.ip_forward: 0 }\n');
      const { code, stdout } = await host.agent(command, '--only', 'hooks');
      assert.equal(code, 0, stdout);
      assert.match(stdout, /enter-hooks\.d\/zz-holdfast +removed/);
      assert.equal(
        (await defaults(host)).filter((route) => route.includes('via 10.77.1.1 dev eth1')).length,
        1,
        stdout,
      );
    });
  }

  await t.test('it is to stay behind from now on: apply gives it back', async () => {
    await host.sh('ip -4 route del default dev eth1; echo dropped >/run/holdfast/egress');
    await host.write(CONFIG, 'egress: { default: bgp, dhcp: behind }\n');
    assert.equal((await host.agent('apply')).code, 0);
    assert.deepEqual(await defaults(host), [BGP, BEHIND]);
  });
});
