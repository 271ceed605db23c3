/** The probes of the routing tables against iproute2, on a throw-away host with tables of many kinds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { conditions, read, same, samples } from '../parts/lab/routes-counted.ts';

const MANY = 10_000;
const LOADED = 60_000;
const skip = unavailable();

test('routes, counted', { skip }, async (t) => {
  await using host = await LabHost.create({ interfaces: 2 });
  await host.sh(`
    ip link set eth0 up; ip link set eth1 up
    ip addr add 10.88.0.2/24 dev eth0; ip addr add 10.89.0.2/24 dev eth1
    ip addr add 2001:db8:88::2/64 dev eth0 nodad; ip addr add 2001:db8:89::2/64 dev eth1 nodad`);
  await host.sh('ip link set srv0 up; ip link set srv1 up', { where: 'server' });
  // Link-local addresses come with routes of their own, a moment after the carrier.
  await host.sh('for i in $(seq 100); do ip -6 addr show tentative | grep -q . || exit 0; sleep 0.1; done; exit 1');

  await t.test('as they are without any of ours', async () => void (await same(host, 0)));

  await t.test('of several tables and protocols, with several next hops', async () => {
    await host.sh(`
      ip route add 10.1.0.0/16 via 10.88.0.1 proto bgp
      ip route add 10.1.0.0/16 via 10.88.0.1 proto bgp metric 20
      ip route add 10.2.0.0/16 proto bird nexthop via 10.88.0.1 weight 2 nexthop via 10.89.0.1
      ip route add blackhole 10.3.0.0/16 table 100 proto static
      ip route add unreachable 10.4.0.0/16 table 1000000000 proto 77
      ip route add 10.5.0.0/16 via 10.88.0.1 table 100 proto dhcp
      ip nexthop add id 7 via 10.88.0.1 dev eth0
      ip route add 10.6.0.0/16 nhid 7
      ip -6 route add 2001:db8:1::/48 via 2001:db8:88::1 proto bgp
      ip -6 route add 2001:db8:2::/48 proto bgp nexthop via 2001:db8:88::1 nexthop via 2001:db8:89::1
      ip -6 route add blackhole 2001:db8:3::/48 table 100
      ip -6 route add 2001:db8:4::/48 via 2001:db8:88::1 table 4294967295 proto ra`);
    await same(host, 1);
  });

  await t.test('while a table is loaded: never more than there are, nor fewer', async () => {
    await host.write(
      '/run/lab/load',
      Array.from(
        { length: LOADED },
        (_, n) => `route add blackhole 30.${n >> 15}.${(n >> 7) & 255}.${(n & 127) * 2}/31\n`,
      ).join(''),
    );
    const [before] = samples(await read(host, 'routes'), 'system.network.route.count', 'ipv4');
    const loading = host.run(['ip', '-4', '-batch', '/run/lab/load']);
    let loaded = false;
    void loading.finally(() => {
      loaded = true;
    });
    const seen: number[] = [];
    while (!loaded) {
      const counts = samples(await read(host, ...Array(20).fill('routes')), 'system.network.route.count', 'ipv4');
      seen.push(...counts.map(({ value }) => value));
    }
    assert.equal((await loading).code, 0);
    assert.ok(seen.length > 0);
    for (const [i, count] of seen.entries()) {
      assert.ok(count >= (seen[i - 1] ?? before!.value) && count <= before!.value + LOADED, seen.join());
    }
    await host.sh('ip -4 route flush root 30.0.0.0/8');
  });

  await t.test('with rules, since which local and main are apart', async () => {
    await host.sh('ip rule add from 10.1.0.0/16 lookup 100; ip -6 rule add from 2001:db8:1::/48 lookup 100');
    await same(host, 1);
    await host.sh('ip rule del from 10.1.0.0/16 lookup 100');
    await same(host, 1);
  });

  await t.test('and many', async () => {
    const batch = (line: (n: number) => string) => Array.from({ length: MANY }, (_, n) => `${line(n)}\n`).join('');
    await host.sh('ip -4 -batch -', {
      input: batch((n) => `route add blackhole 20.${n >> 8}.${n & 255}.0/24 proto bgp`),
    });
    await host.sh('ip -6 -batch -', {
      input: batch((n) => `route add blackhole 2001:db8:7:${n.toString(16)}::/64 table 9`),
    });
    await same(host, 1);
  });
});

test('default routes: next hops as many as expected, or a finding', { skip }, async (t) => {
  await using host = await LabHost.create({ interfaces: 2 });
  await host.sh(`
    ip link set eth0 up; ip link set eth1 up
    ip addr add 10.88.0.2/24 dev eth0; ip addr add 10.89.0.2/24 dev eth1
    ip addr add 2001:db8:88::2/64 dev eth0 nodad; ip addr add 2001:db8:89::2/64 dev eth1 nodad`);
  await host.sh('ip link set srv0 up; ip link set srv1 up', { where: 'server' });
  const bodies = async () => conditions(await read(host, 'default-routes')).map(({ body }) => body);
  const counts = async () => {
    const readings = await read(host, 'default-routes');
    return (['ipv4', 'ipv6'] as const).map((family) => {
      return samples(readings, 'system.network.route.default.nexthops', family)[0]?.value;
    });
  };

  await t.test('none', async () => {
    assert.deepEqual(await counts(), [0, 0]);
    assert.match((await bodies()).join(), /^There is no IPv4 default route/);
  });

  await t.test('two each', async () => {
    await host.sh(`
      ip route add default nexthop via 10.88.0.1 weight 3 nexthop via 10.89.0.1
      ip route add default via 10.88.0.1 metric 4000
      ip route add default via 10.88.0.1 table 99
      ip -6 route add default nexthop via 2001:db8:88::1 nexthop via 2001:db8:89::1`);
    assert.deepEqual(await counts(), [2, 2]);
    assert.deepEqual(await bodies(), []);
    const weights = samples(await read(host, 'default-routes'), 'system.network.route.default.weight', 'ipv4');
    assert.deepEqual(
      weights.map(({ value, attributes }) => [value, attributes.gateway, attributes['network.interface.name']]),
      [
        [3, '10.88.0.1', 'eth0'],
        [1, '10.89.0.1', 'eth1'],
      ],
    );
  });

  await t.test('nexthop objects, spelled out by the kernel or not', async () => {
    await host.sh(`
      ip nexthop add id 1 via 10.88.0.1 dev eth0; ip nexthop add id 2 via 10.89.0.1 dev eth1
      ip nexthop add id 3 group 1,2/2,4; ip route replace default nhid 3`);
    assert.deepEqual(await counts(), [2, 2]);
    await host.sh('echo 0 >/proc/sys/net/ipv4/nexthop_compat_mode');
    assert.deepEqual(await counts(), [2, 2]);
  });

  await t.test('one lost its carrier', async () => {
    await host.sh('ip route replace default nexthop via 10.88.0.1 nexthop via 10.89.0.1');
    await host.sh('ip link set srv1 down', { where: 'server' });
    await host.sh('for i in $(seq 100); do ip route | grep -q linkdown && exit 0; sleep 0.1; done; exit 1');
    const [ipv4] = await bodies();
    assert.match(
      ipv4 ?? '',
      /^The IPv4 default route has the next hops 10\.88\.0\.1 on eth0, 10\.89\.0\.1 on eth1 \(down\);/,
    );
  });
});
