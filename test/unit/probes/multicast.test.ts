/** The probe of multicast groups: joined, missing, and queries from routers. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { ExpectedGroup } from '../../../agent/config/desired-daemon.ts';
import { Host } from '../../../agent/host/host.ts';
import type { hearIgmpQueries, IgmpQuery } from '../../../agent/host/kernel/igmp-queries.ts';
import { joinedGroups, mldQueries } from '../../../agent/host/kernel/multicast.ts';
import { monotonic, QueryWatch } from '../../../probes/multicast/watch.ts';
import { multicastProbe } from '../../../probes/multicast-probe.ts';
import type { Condition, Reading } from '../../../probes/probe.ts';
import { accepted, type Plain } from '../../parts/accepted.ts';
import { errorsOf, load } from '../../parts/config-memory.ts';
import { fill, scratch } from '../../parts/scratch.ts';

/** From Linux 6.18. The version of eth1 is 2, because eth1 has lately heard a query of that version. */
const IGMP = `Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter
1\tlo        :     1      V3
\t\t\t\t010000E0     1 0:00000000\t\t0
2\teth1      :     3      V2
\t\t\t\tFA0000E0     1 0:00000000\t\t1
\t\t\t\t030201E0     1 1:000001E1\t\t1
\t\t\t\t010000E0     1 0:00000000\t\t0
13\tveryverylongnam:     1      V3
\t\t\t\t010000E0     1 0:00000000\t\t0
`;
const IGMP6 = `1    lo              ff020000000000000000000000000001     1 0000000C 0
2    eth1            ff150000000000000000000000001234     1 00000004 0
2    eth1            ff0200000000000000000001ff7c52b9     1 00000004 0
2    eth1            ff020000000000000000000000000001     1 0000000C 0
`;
const SNMP6 = (queries: number) => `ifIndex                         \t2
Ip6InReceives                   \t0
Icmp6InGroupMembQueries         \t${queries}
Icmp6InGroupMembResponses       \t9
`;

function procfs(t: TestContext, files: Record<string, string> = {}) {
  const folder = scratch(t, {
    'proc/net/igmp': IGMP,
    'proc/net/igmp6': IGMP6,
    'proc/net/dev_snmp6/eth1': SNMP6(7),
    ...files,
  });
  return { folder, host: new Host({ root: folder, live: true }) };
}

const expected = (parts: Plain<Partial<ExpectedGroup>> = {}): ExpectedGroup => {
  return accepted({ group: '224.1.2.3', dev: 'eth1', silence: 260_000, ...parts });
};

/** Writes the note of the daemon of this host, which is this process. */
function heard(host: Host, key: string, secondsAgo: number | null, sinceSecondsAgo = 10_000): Record<string, string> {
  const now = monotonic();
  const at = secondsAgo === null ? null : now - secondsAgo * 1000;
  const one = { since: now - sinceSecondsAgo * 1000, at, version: 3, from: '10.0.0.1' };
  const kept = { pid: process.pid, birth: host.birthOf(process.pid), heard: { [key]: one } };
  return { 'run/holdfast/multicast.json': JSON.stringify(kept) };
}

const DEAF = { deaf: 'it takes CAP_NET_RAW', mayBegin: false, close: async () => {} };

async function look(host: Host, ...groups: ExpectedGroup[]): Promise<Reading[]> {
  return multicastProbe(host, groups, { lasting: false }).read(new AbortController().signal);
}

function conditions(readings: readonly Reading[]): string[] {
  return readings
    .filter((one): one is Condition => one.kind === 'condition')
    .map(({ code, severity, body }) => `${code} ${severity}: ${body}`);
}

function samples(readings: readonly Reading[]): string[] {
  return readings.flatMap((one) =>
    one.kind === 'sample'
      ? `${one.metric} ${one.attributes['network.interface.name']} ${one.attributes['network.type']} ${one.value}`
      : [],
  );
}

test('multicast: what the kernel says of groups, versions and queries', (t) => {
  const { host } = procfs(t);
  assert.deepEqual(
    [...joinedGroups(host, 'ipv4')!],
    [
      ['lo', { index: 1, groups: ['224.0.0.1'], version: 3 }],
      ['eth1', { index: 2, groups: ['224.0.0.250', '224.1.2.3', '224.0.0.1'], version: 2 }],
      ['veryverylongnam', { index: 13, groups: ['224.0.0.1'], version: 3 }],
    ],
  );
  assert.deepEqual(joinedGroups(host, 'ipv6')!.get('eth1'), {
    index: 2,
    groups: ['ff15::1234', 'ff02::1:ff7c:52b9', 'ff02::1'],
    version: null,
  });
  assert.equal(mldQueries(host, 'eth1'), 7);
  assert.equal(mldQueries(host, 'eth2'), null);
  assert.equal(joinedGroups(new Host({ root: scratch(t) }), 'ipv4'), null);
});

test('multicast: unknown text of /proc is no group', (t) => {
  for (const text of [
    '',
    'Idx\n',
    '2\teth1 : x V2\n\t\t\t\tZZZZZZZZ 1\n',
    '\t\t\t\t030201E0     1 0:0\t\t0\n',
    '\0\xff'.repeat(999),
  ]) {
    const { host } = procfs(t, { 'proc/net/igmp': text, 'proc/net/igmp6': text });
    assert.deepEqual([...joinedGroups(host, 'ipv4')!.values(), ...joinedGroups(host, 'ipv6')!.values()], []);
  }
});

test('multicast: groups are counted where switches may leave them out, with nothing configured', async (t) => {
  const { host } = procfs(t);
  assert.deepEqual(samples(await look(host)), [
    'system.network.multicast.groups eth1 ipv4 1',
    'system.network.multicast.groups eth1 ipv6 1',
  ]);
});

test('multicast: an expected group that is not joined is a condition', async (t) => {
  const { host } = procfs(t);
  const readings = await look(host, expected({ group: '239.1.1.1' }), expected({ group: 'ff15::9', dev: 'eth7' }));
  assert.deepEqual(conditions(readings), [
    'group-not-joined warn: No program on this host has joined 239.1.1.1 on eth1; it is expected (expect.groups)',
    'group-not-joined warn: There is no eth7 to join ff15::9 on; it is expected (expect.groups)',
  ]);
  assert.ok(samples(readings).includes('holdfast.multicast.joined eth1 ipv4 0'));
});

test('multicast: it reports first that no router queries, then that the switch has forgotten', async (t) => {
  const { host, folder } = procfs(t);
  const said = async (...ago: [number | null, number?]) => {
    fill(folder, heard(host, 'eth1 ipv4', ...ago));
    return conditions(await look(host, expected())).map((line) =>
      line.replace(/\d+ s/g, (text) => (Number.parseInt(text, 10) > 300 ? 'long' : text)),
    );
  };
  assert.deepEqual(await said(1), []);
  assert.deepEqual(await said(129), []);
  assert.match(
    (await said(200)).join(),
    /^multicast-querier-late warn: 224\.1\.2\.3 joined on eth1, but no IGMP query heard for 200 s: a snooping switch prunes this port (60|59) s from now; enable a querier$/,
  );
  assert.deepEqual(await said(400), [
    'multicast-querier-silent error: 224.1.2.3 joined on eth1, but no IGMP query heard for long: a snooping switch will have pruned this port; enable a querier',
  ]);
  // Never, since it is listened to.
  assert.deepEqual(await said(null, 20), []);
  assert.match((await said(null, 200)).join(), /^multicast-querier-late/);
  assert.match((await said(null, 270)).join(), /^multicast-querier-silent/);
});

test('multicast: without the right to listen the kernel’s own word counts, as far as it goes', async (t) => {
  const { host, folder } = procfs(t);
  const probe = multicastProbe(host, [expected()], { lasting: true, listen: () => DEAF });
  t.after(() => probe.close?.());
  const said = async (version: number) => {
    fill(folder, { 'proc/net/igmp': IGMP.replace('V2', `V${version}`) });
    return conditions(await probe.read(new AbortController().signal)).map((line) => line.split(' joined')[0]);
  };
  assert.deepEqual(await said(3), ['multicast-unheard info: 224.1.2.3']);
  assert.deepEqual(await said(2), []);
  assert.deepEqual(await said(3), ['multicast-querier-silent error: 224.1.2.3']);
  assert.deepEqual(await said(1), []);
});

test('multicast: the querier is reported once, and again when another one takes over', async (t) => {
  const { host } = procfs(t);
  let hear = (_: IgmpQuery) => {};
  const listen: typeof hearIgmpQueries = (devices, heard) => {
    assert.deepEqual(devices, ['eth1']);
    hear = heard;
    return { deaf: null, mayBegin: false, close: async () => {} };
  };
  const probe = multicastProbe(host, [expected()], { lasting: true, listen });
  const told = async () => {
    const readings = await probe.read(new AbortController().signal);
    return readings.flatMap((one) => (one.kind === 'event' ? one.body : []));
  };
  assert.deepEqual(await told(), []);
  hear({ device: 'eth1', version: 3, from: '10.0.0.1' });
  assert.deepEqual(await told(), ['the querier on eth1 is 10.0.0.1 (IGMPv3)']);
  hear({ device: 'eth1', version: 3, from: '10.0.0.1' });
  assert.deepEqual(await told(), []);
  hear({ device: 'eth1', version: 2, from: '0.0.0.0' });
  assert.deepEqual(await told(), ['the querier on eth1 is 0.0.0.0 (IGMPv2); it was 10.0.0.1 (IGMPv3)']);
});

test('multicast: the record of a process that has ended counts for nothing', async (t) => {
  const { host, folder } = procfs(t);
  const kept = heard(host, 'eth1 ipv4', 400)['run/holdfast/multicast.json']!;
  for (const text of [
    kept.replace(/"birth":"\d+"/, '"birth":"1"'),
    kept.replace(/"pid":\d+/, '"pid":0'),
    '{',
    '[]',
    '{"pid":1}',
    kept.replace(/"at":\d+/, '"at":"x"'),
  ]) {
    fill(folder, { 'run/holdfast/multicast.json': text });
    assert.deepEqual(conditions(await look(host, expected())), [], text);
  }
});

test('MLD: the kernel counts its queries, and a count that began anew is none', async (t) => {
  const { host, folder } = procfs(t);
  const watch = new QueryWatch(host);
  t.after(() => watch.close());
  const joined = { ipv4: joinedGroups(host, 'ipv4'), ipv6: joinedGroups(host, 'ipv6') };
  const update = async (queries: number, now: number) => {
    fill(folder, { 'proc/net/dev_snmp6/eth1': SNMP6(queries) });
    await watch.update({ ipv4: [], ipv6: ['eth1'] }, joined, now);
    const { since, at } = watch.heard('eth1', 'ipv6')!;
    return { since, at };
  };
  assert.deepEqual(await update(7, 1000), { since: 1000, at: null });
  assert.deepEqual(await update(7, 2000), { since: 1000, at: null });
  assert.deepEqual(await update(8, 3000), { since: 1000, at: 3000 });
  assert.deepEqual(await update(8, 4000), { since: 1000, at: 3000 });
  assert.deepEqual(await update(0, 5000), { since: 5000, at: null });
  assert.equal(watch.heard('eth2', 'ipv6'), null);
});

test('`expect.groups`: what it means, and what is wrong in it', async () => {
  const result = await load(
    'expect: { groups: [{ group: 224.1.2.3, dev: eth1 }, { group: "FF15:0::1", dev: eth1, silence: 30s }] }\n',
  );
  assert.ok(result.ok, JSON.stringify(result));
  assert.deepEqual(result.daemon.expect.groups, [expected(), expected({ group: 'ff15::1', silence: 30_000 })]);
  assert.deepEqual(
    await errorsOf(
      'expect:\n  groups:\n    - { group: 10.0.0.1, dev: eth1 }\n    - { group: 224.0.0.251, dev: a/b }\n    - { dev: eth1, silence: 0s }\n',
    ),
    [
      'agent.yaml:3:16: expect.groups[0].group: "10.0.0.1" is no multicast address; write one such as 224.1.2.3 or ff15::1234',
      'agent.yaml:4:16: expect.groups[1].group: "224.0.0.251" never leaves its link, and no switch leaves it out; take it out',
      'agent.yaml:4:34: expect.groups[1].dev: "a/b" is not an interface name; write 1 to 15 letters, digits and . _ - + @, such as eth0.100',
      'agent.yaml:5:7: expect.groups[2].group: is missing; write it',
      'agent.yaml:5:29: expect.groups[2].silence: "0s" is out of range; write 1s to 1h',
    ],
  );
});
