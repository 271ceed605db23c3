/** The probe `egress` with default routes of every make: weights, nexthop objects, gateways that are silent, no route at all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EgressReader } from '../parts/lab/egress-reader.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';

const skip = unavailable();

/** `gateways` wires up, each with a gateway that answers; by ports, so that no condition says otherwise. */
async function wired(gateways: number): Promise<LabHost> {
  const host = await LabHost.create({ interfaces: gateways });
  for (let n = 0; n < gateways; n += 1) {
    await host.sh(`ip link set srv${n} up; ip addr add 10.88.${n}.1/24 dev srv${n}`, { where: 'server' });
    await host.sh(`ip link set eth${n} up; ip addr add 10.88.${n}.2/24 dev eth${n}; ping -c1 -W5 10.88.${n}.1`);
  }
  await host.sh('sysctl -qw net.ipv4.fib_multipath_hash_policy=1');
  return host;
}

const via = (...weights: number[]) => {
  return weights.map((weight, n) => (weight === 0 ? '' : `nexthop via 10.88.${n}.1 weight ${weight}`)).join(' ');
};

test('egress: the probe follows default routes of every make', { skip }, async (t) => {
  await using host = await wired(3);
  const reader = new EgressReader(host);

  await t.test('none', async () => {
    const seen = await reader.next();
    assert.deepEqual([seen.values('gateways'), seen.values('share'), seen.codes], [[0], [], []]);
  });

  await t.test('comes, with weights', async () => {
    await host.sh(`ip route add default ${via(6, 3, 1)}`);
    const seen = await reader.next();
    assert.deepEqual(seen.values('expected'), [0.6, 0.3, 0.1]);
    for (const [n, share] of seen.values('share', { flows: 'destinations' }).entries()) {
      assert.ok(Math.abs(share - [0.6, 0.3, 0.1][n]!) < 0.16, String(share));
    }
    assert.deepEqual(seen.codes, []);
    assert.match(seen.events[0]!.body, /^the IPv4 default route gained 10\.88\.0\.1 on eth0, .* now$/);
  });

  await t.test('one goes: with plain routes others move, too', async () => {
    await host.sh(`ip route replace default ${via(1, 1, 1)}`);
    await reader.next();
    await host.sh(`ip route replace default ${via(0, 1, 1)}`);
    const [event] = (await reader.next()).events;
    const { moved, needless, gateways } = event!.attributes;
    assert.equal(gateways, 2);
    assert.ok(Number(moved) > 32 && Number(moved) < 160, event!.body);
    assert.ok(Number(needless) > 0, event!.body);
    assert.match(event!.body, /and \d+ of the other \d+ moved without need$/);
  });

  await t.test('with a resilient group of nexthop objects no other does', async (t) => {
    const resilient = 'ip nexthop replace id 9 group 1/2/3 type resilient buckets 128 idle_timer 120';
    const { code, stderr } = await host.run([
      'sh',
      '-ec',
      `
      for n in 0 1 2; do ip nexthop add id $((n + 1)) via 10.88.$n.1 dev eth$n; done; ${resilient}`,
    ]);
    if (code !== 0) return t.skip(`this kernel has none: ${stderr}`);
    await host.sh('ip route replace default nhid 9');
    await reader.next();
    await host.sh('ip nexthop del id 1');
    const [event] = (await reader.next()).events;
    assert.match(event!.body, /^the IPv4 default route lost 10\.88\.0\.1 on eth0; .* had to move, and no other moved$/);
    await host.sh('sysctl -qw net.ipv4.nexthop_compat_mode=0');
    assert.deepEqual((await reader.next()).values('gateways'), [2]);
    await host.sh(`sysctl -qw net.ipv4.nexthop_compat_mode=1; ip route replace default ${via(1, 1)}`);
    await reader.next();
  });

  await t.test(
    'a gateway that does not answer takes its flows with it, until the kernel is told to pass it over',
    async () => {
      await host.sh('ip addr del 10.88.1.1/24 dev srv1', { where: 'server' });
      await host.sh(`ip neigh flush to 10.88.1.1; ping -c1 -W1 10.88.1.1 || :
      for i in $(seq 100); do ip neigh show to 10.88.1.1 | grep -q FAILED && exit 0; sleep 0.1; done; exit 1`);
      const seen = await reader.next();
      assert.deepEqual(seen.codes, ['egress-gateway-silent']);
      assert.match(
        seen.conditions[0]!.body,
        /^10\.88\.1\.1 on eth1 does not answer ARP, and \d+ of 256 sampled IPv4 flows go there/,
      );
      assert.match(seen.events[0]!.body, /lost 10\.88\.1\.1 on eth1.* 0 of 256 sampled flows had to move/);

      await host.sh('sysctl -qw net.ipv4.fib_multipath_use_neigh=1');
      await host.sh(`ip route replace default ${via(1, 2)}`); // a change, so that it is judged at once
      const passed = await reader.next();
      assert.deepEqual(passed.codes, []);
      assert.deepEqual(passed.values('share', { flows: 'destinations' }), [1, 0]);
      assert.deepEqual(passed.values('expected'), [1, 0]);
      await host.sh('ip addr add 10.88.1.1/24 dev srv1', { where: 'server' });
      await host.sh('sysctl -qw net.ipv4.fib_multipath_use_neigh=0; ping -c1 -W5 10.88.1.1');
    },
  );

  await t.test('gateways of IPv6 (RFC 5549), beside one of IPv4 and alone', async () => {
    const link = (deed: string) =>
      host.sh(`ip -6 addr ${deed} fe80::77/64 dev srv1${deed === 'add' ? ' nodad' : ''}`, { where: 'server' });
    await link('add');
    const reach = (says: string) =>
      host.sh(`for i in $(seq 100); do ping -c1 -W1 fe80::77%eth1 >/dev/null || :
      ip -6 neigh show to fe80::77 dev eth1 | grep -qE '${says}' && exit 0; sleep 0.1; done; exit 1`);
    await reach('REACHABLE|DELAY|STALE');
    await host.sh('ip -4 route replace default nexthop via 10.88.0.1 dev eth0 nexthop via inet6 fe80::77 dev eth1');
    const both = await reader.next();
    assert.deepEqual([both.values('gateways'), both.codes], [[2], []]);
    for (const share of both.values('share', { flows: 'destinations' })) assert.ok(Math.abs(share - 0.5) < 0.16);
    assert.deepEqual(both.values('expected', { gateway: 'fe80::77' }), [0.5]);
    await host.sh('ip nexthop add id 77 via fe80::77 dev eth1; ip -4 route replace default nhid 77');
    assert.deepEqual((await reader.next()).values('gateways'), [1]);
    await host.sh('ip -4 route replace default via inet6 fe80::77 dev eth1; ip nexthop del id 77');
    assert.deepEqual((await reader.next()).values('share', { gateway: 'fe80::77', flows: 'connections' }), [1]);
    await link('del');
    await host.sh('ip -6 neigh flush dev eth1');
    await reach('FAILED');
    const dead = await reader.next();
    assert.deepEqual(dead.codes, ['egress-gateway-silent']);
    assert.match(dead.conditions[0]!.body, /^fe80::77 on eth1 does not answer neighbour discovery/);
    await host.sh(`ip -4 route replace default ${via(1, 1)}`);
  });

  await t.test('a strict filter throws away what comes in by a gateway that is out of the route', async () => {
    const from = 'ip addr add 198.51.100.1/32 dev lo; ip route replace 10.88.0.2 via 10.88.1.2 dev srv1';
    await host.sh(from, { where: 'server' });
    await host.sh(`sysctl -qw net.ipv4.conf.all.rp_filter=1; ip route replace default ${via(1, 1)}`);
    const before = await reader.next();
    assert.deepEqual(before.codes, ['egress-rp-filter']);
    const ping = () => host.run(['ping', '-c1', '-W2', '-I', '198.51.100.1', '10.88.0.2'], { where: 'server' });
    // The control: with both gateways in the route it comes in by either.
    assert.equal((await ping()).code, 0);
    await host.sh(`ip route replace default ${via(1)}`);
    assert.equal((await ping()).code, 1);
    assert.ok((await new EgressReader(host).next()).filtered > 0);
    await host.sh('sysctl -qw net.ipv4.conf.all.rp_filter=2');
    assert.equal((await ping()).code, 0);
  });

  await t.test('it goes, and where its addresses have routes of their own others are asked for', async () => {
    await host.sh('ip route del default');
    const gone = await reader.next();
    assert.deepEqual(gone.values('gateways'), [0]);
    assert.equal(gone.events[0]!.severity, 'error');
    assert.match(gone.events[0]!.body, /no gateway is left.* 256 of 256 sampled flows have no gateway any longer$/);
    const bogons = ['198.18.0.0/15', '203.0.113.0/24', '198.51.100.0/24', '192.0.2.0/24'];
    await host.sh(bogons.map((net) => `ip route add blackhole ${net}`).join('; '));
    await host.sh(`ip route add default ${via(1, 1)}`);
    assert.deepEqual((await reader.next()).values('gateways'), [2]);
    await host.sh('ip route add 0.0.0.0/1 via 10.88.0.1; ip route add 128.0.0.0/1 via 10.88.0.1');
    assert.deepEqual((await reader.next()).codes, ['egress-unseen']);
  });
});
