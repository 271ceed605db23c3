/** The highest number of routes since the boot outlives the agent, and neighbours and connections are counted as the kernel does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunningAgent } from '../parts/lab/daemon.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { REPOSITORY } from '../parts/repository.ts';
import { noNamespaces, privately } from '../parts/scratch.ts';

const skip = unavailable({ nft: 'nftables' });

interface Sample {
  readonly metric: string;
  readonly value: number;
  readonly attributes: Readonly<Record<string, string>>;
}

test('peaks: the most routes of a table since the boot, and when, over kill -9 of the agent', {
  skip,
  timeout: 120_000,
}, async () => {
  await using host = await LabHost.create();
  await host.write('/etc/holdfast/agent.yaml', 'report: { interval: 1s }\n');
  const samples = async (): Promise<Sample[]> => {
    const { stdout } = await host.agent('probe', 'routes', 'routes-by-protocol', 'limits', '--json');
    return JSON.parse(stdout).probes.flatMap((probe: { samples: Sample[] }) => probe.samples);
  };
  const value = (all: readonly Sample[], metric: string, attributes: Readonly<Record<string, string>>) =>
    all.find((one) => one.metric === metric && Object.entries(attributes).every(([k, v]) => one.attributes[k] === v))
      ?.value;
  const ipv4 = { 'network.type': 'ipv4' };
  const table = { ...ipv4, table: '100', protocol: 'bgp' };

  const before = Math.floor(Date.now() / 1000);
  const first = await RunningAgent.start(host);
  await host.sh(`ip link set eth0 up; ip addr add 10.77.0.2/24 dev eth0
    for n in $(seq 0 199); do echo route add 10.50.$n.0/24 dev eth0 table 100 proto bgp; done | ip -batch -`);
  await host.sh(
    'until grep -q \'"table":"100","protocol":"bgp"},"value":200\' /run/holdfast/peaks-*table*; do sleep 0.1; done',
  );
  await host.sh('until grep -q \'"value":20[0-9]\' /run/holdfast/peaks-system.network.route.count; do sleep 0.1; done');
  await host.sh('ip route flush table 100');
  await first.signal('KILL');
  const second = await RunningAgent.start(host);
  const later = await samples();
  assert.ok(value(later, 'system.network.route.count', ipv4)! < 100);
  assert.ok(value(later, 'system.network.route.count.max', ipv4)! >= 200);
  assert.equal(value(later, 'system.network.route.table.count', table), undefined);
  assert.equal(value(later, 'system.network.route.table.count.max', table), 200);
  const when = value(later, 'system.network.route.table.count.max.time', table)!;
  assert.ok(when >= before && when <= Date.now() / 1000, `${when}`);
  assert.equal(await second.stop(), 0);

  await host.sh(`nft 'add table inet t; add chain inet t c { type filter hook output priority 0; }; add rule inet t c ct state new accept'
    ip -n server addr add 10.77.0.1/24 dev srv0; ip -n server link set srv0 up; ping -qc1 -W5 10.77.0.1`);
  assert.ok(value(await samples(), 'system.network.limit.used', { resource: 'conntrack' })! >= 1);

  // A new boot has an empty /run.
  await host.sh('rm -r /run/holdfast');
  assert.equal(value(await samples(), 'system.network.route.count.max', ipv4), undefined);
});

test('limits: permanent and learned neighbours are those that the kernel does not count', {
  skip: noNamespaces('ip'),
}, () => {
  const script = `import { sparedNeighbours } from '${REPOSITORY}/agent/host/netlink/spared-neighbours.ts';
    for (const family of ['ipv4', 'ipv6']) console.log(await sparedNeighbours(family, AbortSignal.timeout(5000)));`;
  const { stdout, stderr } = privately(`
    ip link add v0 type veth peer name v1; ip link set v0 up; ip link set v1 up
    ip neigh add 10.9.0.1 lladdr 02:00:00:00:00:01 nud permanent dev v0
    ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 nud stale dev v0
    ip neigh add 10.9.0.3 lladdr 02:00:00:00:00:03 nud stale extern_learn dev v0
    ip neigh add 2001:db8::1 lladdr 02:00:00:00:00:04 nud permanent dev v0
    '${process.execPath}' --input-type=module -e "${script}"`);
  assert.equal(stdout, '2\n1\n', stderr);
});
