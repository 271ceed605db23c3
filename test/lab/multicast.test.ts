/**
 * A switch that snoops IGMP (the kernel's own bridge) between a sender and this host: without a querier it forgets who wants the group,
 * and the stream stops; the agent says so before, and that it is over.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunningAgent } from '../parts/lab/daemon.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { Log } from '../parts/lab/log.ts';
import { eventually } from '../qemu/eventually.ts';

const skip = unavailable({ bridge: 'iproute2', perl: 'perl-base', pgrep: 'procps', setpriv: 'util-linux' });

const GROUP = '224.1.2.3';
const GROUP6 = 'ff15::1234';
const [HOST, SENDER, QUERIER] = ['10.9.0.2', '10.9.0.1', '10.9.0.254'];
/** Seconds: what the switch takes to forget a port, and how long no query may be heard. */
const MEMBERSHIP = 40;
const SILENCE = 20;

/**
 * As switches do, it goes on leaving out ports when the querier that it once saw is gone (the kernel's bridge would begin to flood
 * after mcast_querier_interval).
 */
const SWITCH = `
ip link add br0 type bridge mcast_snooping 1 mcast_querier 0 mcast_querier_interval 360000 \
  mcast_membership_interval ${MEMBERSHIP * 100}
ip link set srv0 master br0
ip link set srv0 up
ip link set br0 up
ip addr add ${SENDER}/24 dev br0`;

/** A router on the same link. The kernel's querier (version 2) asks every second while it is switched on. */
const ROUTER = `
ip link add br1 type bridge mcast_snooping 1 mcast_querier 0 mcast_querier_interval 100 \\
  mcast_query_interval 100 mcast_startup_query_interval 100 mcast_query_use_ifaddr 1
ip link add port0 type veth peer name router0
ip link set port0 master br0
ip link set router0 master br1
for link in port0 router0 br1; do ip link set $link up; done
ip addr add ${QUERIER}/24 dev br1`;
const querier = (on: 0 | 1) => host.sh(`ip link set br1 type bridge mcast_querier ${on}`, { where: 'server' });

const SEND = `
const socket = require('node:dgram').createSocket('udp4').bind(0, '${SENDER}', () => {
  socket.setMulticastInterface('${SENDER}');
  setInterval(() => socket.send('tick', 5000, '${GROUP}'), 100);
});`;

const RECEIVE = `
const socket = require('node:dgram').createSocket('udp4').bind(5000, () => socket.addMembership('${GROUP}', '${HOST}'));
socket.on('message', () => console.log('tick'));
const other = require('node:dgram').createSocket('udp6').bind(5001, () => other.addMembership('${GROUP6}', '::%eth0'));`;

let host: LabHost;
let received: Log;

before(async () => {
  if (skip) return;
  host = await LabHost.create();
  await host.sh(SWITCH + ROUTER, { where: 'server' });
  await host.sh(`ip link set eth0 up; ip addr add ${HOST}/24 dev eth0; mkdir -p /etc/holdfast`);
  await host.write(
    '/etc/holdfast/agent.yaml',
    `report: { interval: 1s }
expect:
  groups:
    - { group: ${GROUP}, dev: eth0, silence: ${SILENCE}s }
    - { group: "${GROUP6}", dev: eth0, silence: ${SILENCE}s }
`,
  );
});
after(() => host?.close());

/** Conditions of IPv4 come and go in an order of their own. */
async function condition(agent: RunningAgent, name: 'raised' | 'cleared', code: string) {
  for (;;) {
    const event = await agent.event(`holdfast.condition.${name}`);
    if (event.code === code && event['network.type'] !== 'ipv6') return event;
  }
}

/** Whether something of the stream comes from now on. */
async function arrives(): Promise<void> {
  await received.indexOf(/tick/, received.lines.length);
}

test('multicast: an expected group that is not joined is reported', { skip }, async () => {
  const agent = await RunningAgent.start(host);
  const { msg } = await condition(agent, 'raised', 'group-not-joined');
  assert.match(msg, /No program on this host has joined 224\.1\.2\.3 on eth0/);
  received = new Log(host.spawn([process.execPath, '-e', RECEIVE]).stdout!);
  host.spawn([process.execPath, '-e', SEND], { where: 'server' });
  await condition(agent, 'cleared', 'group-not-joined');
  assert.equal(await agent.stop(), 0);
});

test('multicast: without the right to listen, it says only that queries cannot be seen', { skip }, async () => {
  const child = host.spawn([
    'setpriv',
    '--bounding-set=-net_raw',
    'sh',
    '-c',
    'echo $$ >/run/lab/deaf.pid; exec agent run',
  ]);
  const log = new Log(child.stderr!);
  const line = log.lines[await log.indexOf(/multicast-unheard/, 0)] ?? '';
  assert.match(line, /but IGMP queries cannot be heard: it takes CAP_NET_RAW/);
  assert.ok(!log.lines.some((one) => one.includes('multicast-querier')));
  assert.match(
    (await host.agent('doctor')).stdout,
    /HF-MULTICAST-UNHEARD\n +the daemon \(process \d+\) has no CAP_NET_RAW/,
  );
  await host.sh('kill $(cat /run/lab/deaf.pid)');
});

test('multicast: a dead querier is reported before the stream stops, and its return ends the report', {
  skip,
}, async () => {
  const agent = await RunningAgent.start(host);
  await querier(1);
  assert.match((await agent.event('holdfast.multicast.querier')).msg, /querier on eth0 is 10\.9\.0\.254 \(IGMPv2\)/);
  await heard('ipv4');
  assert.equal(value(await look(), 'querier.version', 'ipv4'), 2);
  await heard('ipv6');
  assert.deepEqual((await look()).conditions, []);

  await querier(0);
  await arrives();
  const late = await condition(agent, 'raised', 'multicast-querier-late');
  assert.match(
    late.msg,
    /224\.1\.2\.3 joined on eth0, but no IGMP query heard for \d+ s: a snooping switch prunes this port/,
  );
  await arrives();
  const silent = await condition(agent, 'raised', 'multicast-querier-silent');
  assert.match(silent.msg, /will have pruned this port; enable a querier/);
  await host.sh(`while bridge mdb show dev br0 | grep -q 'port srv0 grp ${GROUP} '; do sleep 0.2; done`, {
    where: 'server',
  });
  // The control: nothing comes any more, though the sender sends and the host has not left.
  for (let count = -1; received.lines.length > count; await sleep(1000)) count = received.lines.length;
  assert.match(await host.sh('cat /proc/net/igmp'), /030201E0|E0010203/);
  const { conditions } = await look();
  assert.ok(conditions.some(({ code }) => code === 'multicast-querier-silent'));

  await querier(1);
  await condition(agent, 'cleared', 'multicast-querier-silent');
  await arrives();
  for (const family of FAMILIES) {
    await heard(family);
    assert.equal(value(await look(), 'multicast.joined', family), 1);
  }
  assert.equal(await agent.stop(), 0);
  // Its listener ends with it.
  assert.notEqual((await host.run(['pgrep', '-f', 'use Socket'])).code, 0);
});

const FAMILIES = ['ipv4', 'ipv6'] as const;

interface Look {
  readonly conditions: readonly { readonly code: string }[];
  readonly samples: readonly { metric: string; value: number; attributes: Record<string, unknown> }[];
}

/** By another process, beside the daemon. */
async function look(): Promise<Look> {
  return JSON.parse((await host.agent('probe', 'multicast', '--json')).stdout).probes[0];
}

function value({ samples }: Look, metric: string, family: string): number | undefined {
  return samples.find((one) => one.metric.endsWith(metric) && one.attributes['network.type'] === family)?.value;
}

/** Waits until a query of this family was heard lately. */
function heard(family: string): Promise<unknown> {
  const lately = async () => (value(await look(), 'query.age', family) ?? SILENCE) < SILENCE / 2;
  return eventually(async () => ((await lately()) ? true : null), `a query of ${family}`);
}
