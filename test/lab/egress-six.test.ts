/** The probe `egress` in IPv6: default routes by router advertisement and of nexthop objects, and flows by their labels. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect6 } from '../parts/lab/dhcp6.ts';
import { EgressReader } from '../parts/lab/egress-reader.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';

const skip = unavailable({ bird: 'bird2' });
/** Seconds. BIRD advertises every 3 to 4 s. */
const LIFETIME = 8;
const SIX = { 'network.type': 'ipv6' } as const;

/** Routers on both wires advertise themselves, the second as the preferred one. */
const ROUTERS = `router id 192.0.2.1;
protocol device {}
protocol radv {
  interface "srv0" { min ra interval 3; max ra interval 4; default lifetime ${LIFETIME}; default preference low; };
  interface "srv1" { min ra interval 3; max ra interval 4; default lifetime ${LIFETIME}; default preference high; };
}
`;

const near = (share: number | undefined, wanted: number) => assert.ok(Math.abs(share! - wanted) < 0.16, String(share));

test('egress: the probe follows IPv6 default routes, their lifetimes, and flows by flow label', { skip }, async (t) => {
  await using host = await LabHost.create({ interfaces: 2 });
  await host.sh('echo 1 >/proc/sys/net/ipv6/conf/all/forwarding', { where: 'server' });
  for (const wire of [0, 1]) await connect6(host, wire);
  const reader = new EgressReader(host);

  await t.test('the preferred router of two', async () => {
    await host.write('/run/lab/bird.conf', ROUTERS);
    const bird = ['bird', '-f', '-c', '/run/lab/bird.conf', '-s', '/run/lab/bird.ctl', '-P', '/run/lab/bird.pid'];
    host.spawn(bird, { where: 'server' });
    await host.sh('until [ "$(ip -6 route show default proto ra | wc -l)" = 2 ]; do sleep 0.05; done');
    const seen = await reader.next();
    assert.deepEqual(seen.values('gateways', { ...SIX, protocol: 'ra' }), [1]);
    assert.deepEqual(seen.values('share', { ...SIX, flows: 'labels', 'network.interface.name': 'eth1' }), [1]);
    const [left] = seen.values('expires', { ...SIX, protocol: 'ra', preference: 'high' });
    assert.ok(left! > 0 && left! <= LIFETIME, String(left));
    assert.deepEqual(seen.codes, []);
    const { stdout } = await host.agent('probe', 'egress');
    assert.match(stdout, /^ {2}IPv6 +fe80::\S+ on eth1 +ra, high, \d s left +\w+ +1 +100 % of 100 %/m);
  });

  await t.test('a silent router is found before its route goes', async () => {
    await host.sh('kill -9 $(cat /run/lab/bird.pid)');
    let seen = await reader.next();
    for (; !seen.codes.includes('egress-expiring'); seen = await reader.next()) await sleep(200);
    assert.match(
      seen.conditions[0]!.body,
      /^the IPv6 default route by fe80::\S+ on eth1 goes at \S+Z unless its router/,
    );
    for (; seen.values('gateways', SIX)[0] !== 0; seen = await reader.next()) await sleep(200);
    assert.deepEqual(seen.codes, []);
  });

  const via = [0, 1].map((n) => `nexthop via fe80::1${n} dev eth${n} weight ${n === 0 ? 3 : 1}`).join(' ');
  await t.test('several gateways: with policy 0, only other addresses and other flow labels spread', async (t) => {
    await host.sh(`ip -6 route flush default; ip -6 route add default proto static ${via}`);
    const seen = await reader.next();
    assert.deepEqual(seen.values('gateways', { ...SIX, protocol: 'static' }), [2]);
    assert.deepEqual(seen.values('expires', SIX), []);
    assert.deepEqual(seen.values('expected', SIX), [0.75, 0.25]);
    near(seen.values('share', { ...SIX, flows: 'destinations' })[0], 0.75);
    assert.deepEqual(seen.values('share', { ...SIX, flows: 'connections' }).sort(), [0, 1]);
    assert.deepEqual(seen.codes, ['egress-hash-addresses']);
    const labels = seen.values('share', { ...SIX, flows: 'labels' });
    if (labels.length === 0) {
      assert.match(seen.conditions[0]!.body, /by their flow labels, for which this kernel cannot be asked/);
      return t.skip('this kernel’s look-up takes no flow label');
    }
    near(labels[0], 0.75);
    assert.match(seen.conditions[0]!.body, /Forwarded packets also spread by their flow labels$/);
  });

  await t.test('nexthop objects, with policy 1: ports spread, flow labels do not', async (t) => {
    const objects = `sysctl -qw net.ipv6.fib_multipath_hash_policy=1
      for n in 0 1; do ip nexthop add id $((n + 1)) via fe80::1$n dev eth$n; done
      ip nexthop add id 9 group 1/2
      ip -6 route flush default
      ip -6 route add default proto bgp nhid 9`;
    const { code, stderr } = await host.run(['sh', '-ec', objects]);
    if (code !== 0) return t.skip(`this kernel has no nexthop objects: ${stderr}`);
    const seen = await reader.next();
    assert.deepEqual(seen.values('gateways', { ...SIX, protocol: 'bgp' }), [2]);
    near(seen.values('share', { ...SIX, flows: 'connections' })[0], 0.5);
    assert.deepEqual(seen.codes, []);
  });
});
