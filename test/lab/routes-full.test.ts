/** A full routing table, and an empty one: counted as iproute2 lists them, to the last route. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { INSIDE, same } from '../parts/lab/routes-counted.ts';

const skip = unavailable();

test('routes: 1,000,000 IPv4 and 200,000 IPv6 routes, of several tables and protocols, with several next hops and rules', {
  skip,
}, async () => {
  await using host = await LabHost.create({ interfaces: 2 });
  await host.sh(`
    ip link set eth0 up; ip link set eth1 up
    ip addr add 10.88.0.2/24 dev eth0; ip addr add 10.89.0.2/24 dev eth1
    ip addr add 2001:db8:88::2/64 dev eth0 nodad; ip addr add 2001:db8:89::2/64 dev eth1 nodad`);
  await host.sh('ip link set srv0 up; ip link set srv1 up', { where: 'server' });
  await host.sh('for i in $(seq 100); do ip -6 addr show tentative | grep -q . || exit 0; sleep 0.1; done; exit 1');
  await host.sh('ip rule add from 10.1.0.0/16 lookup 100; ip -6 rule add from 2001:db8:1::/48 lookup 100');

  await host.sh(`awk 'BEGIN { for (n = 0; n < 1000000; n++) {
    to = sprintf("%d.%d.%d.0/24", 20 + n / 65536, n / 256 % 256, n % 256)
    if (n % 20 == 0) print "route add " to " proto bgp nexthop via 10.88.0.1 nexthop via 10.89.0.1 weight 3"
    else if (n % 5 == 1) print "route add blackhole " to " table 100 proto static"
    else if (n % 10 == 2) print "route add unreachable " to " table 1000000000 proto 77"
    else print "route add " to " via 10.88.0.1 proto " (n % 2 ? "bgp" : "bird")
  } }' | ip -4 -batch -`);
  await host.sh(`awk 'BEGIN { for (n = 0; n < 200000; n++) {
    to = sprintf("2001:db8:%x:%x::/64", 4096 + n / 65536, n % 65536)
    if (n % 20 == 0) print "route add " to " proto bgp nexthop via 2001:db8:88::1 nexthop via 2001:db8:89::1"
    else if (n % 5 == 1) print "route add blackhole " to " table 4294967295 proto static"
    else print "route add " to " via 2001:db8:88::1 proto " (n % 2 ? "bgp" : "ra")
  } }' | ip -6 -batch -`);

  const { ipv4, ipv6 } = await same(host, 10_000);
  assert.ok(ipv4 > 1_000_000 && ipv6 > 200_000, `${ipv4} and ${ipv6} beside those of the interfaces`);
});

test('routes: none at all', { skip }, async () => {
  await using host = await LabHost.create();
  const script = 'test -z "$(ip -4 route show table all; ip -6 route show table all)" && exec "$@"';
  const command = [process.execPath, INSIDE, 'routes', 'routes-by-protocol'];
  const { code, stdout, stderr } = await host.run(['unshare', '--net', 'sh', '-c', script, 'sh', ...command]);
  assert.equal(code, 0, stderr);
  const counts = JSON.parse(stdout).filter(({ metric }: { metric: string }) => metric.endsWith('.count'));
  assert.deepEqual(
    counts.map(({ metric, value, attributes }: Record<string, never>) => [metric, value, attributes]),
    [
      ['system.network.route.count', 0, { 'network.type': 'ipv4' }],
      ['system.network.route.count', 0, { 'network.type': 'ipv6' }],
    ],
  );
});
