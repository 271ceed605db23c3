/** How dhcpcd is rehearsed: which lease, which script, which events. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { writeBootp } from '../../../../agent/clients/bootp.ts';
import { type Dhcp6Option, writeDhcp6Message } from '../../../../agent/clients/dhcp6-message.ts';
import { dhcpcdStage } from '../../../../agent/clients/dhcpcd/stage.ts';
import { Host } from '../../../../agent/host/host.ts';
import { patientHost } from '../../../parts/doctor-patient.ts';
import { scratch } from '../../../parts/scratch.ts';

const HOLDER = { program: 'dhcpcd', pid: 900, started: 0, interfaces: ['eth0'] } as const;
const LEASE = writeBootp({
  op: 2,
  hardware: [1, 6],
  xid: 7,
  flags: 0,
  ciaddr: Buffer.alloc(4),
  yiaddr: Buffer.from([10, 0, 0, 5]),
  siaddr: Buffer.alloc(4),
  chaddr: Buffer.alloc(16),
  sname: Buffer.alloc(64),
  file: Buffer.alloc(128),
  options: new Map([[54, Buffer.from([10, 0, 0, 1])]]),
}).toString('latin1');

function planOf(t: TestContext, files: Readonly<Record<string, string>>) {
  const root = scratch(t, { 'usr/lib/dhcpcd/dhcpcd-run-hooks': '#!/bin/sh\n', ...files });
  return dhcpcdStage(new Host({ root }), HOLDER, 'eth0');
}

test('dhcpcd’s stage: it has the recorded lease, and the script that dhcpcd.conf names', (t) => {
  const lease = { 'var/lib/dhcpcd/eth0.lease': LEASE };
  const { offer, script } = planOf(t, lease);
  assert.deepEqual([offer?.address, offer?.server], ['10.0.0.5', '10.0.0.1']);
  assert.equal(script, '/usr/lib/dhcpcd/dhcpcd-run-hooks');
  assert.equal(planOf(t, { ...lease, 'etc/dhcpcd.conf': 'script /opt/own\n' }).script, '/opt/own');
  assert.equal(planOf(t, { 'var/lib/dhcpcd5/eth0.lease': LEASE }).offer?.address, '10.0.0.5');
});

/** A reply with an address, a server and a name server. */
const LEASE6 = (associations: readonly Dhcp6Option[] = [IA_NA]) =>
  writeDhcp6Message({
    type: 7,
    xid: Buffer.alloc(3),
    options: [
      ...associations,
      { code: 2, data: Buffer.from('0001', 'hex') },
      { code: 23, data: Buffer.from('20010db8000000000000000000000053', 'hex') },
    ],
  }).toString('latin1');
const IA_NA: Dhcp6Option = {
  code: 3,
  data: Buffer.from(`${'00'.repeat(12)}0005001820010db8${'00'.repeat(11)}09${'00'.repeat(8)}`, 'hex'),
};
const HAS_SIX = 'reason=BOUND6\ninterface=eth0\nprotocol=dhcp6\n';
const HAS_ROUTER = 'reason=ROUTERADVERT\ninterface=eth0\nprotocol=ra\nnd1_from=fe80::1\nnd1_lifetime=600\n';

function dualPlan(t: TestContext, files: Readonly<Record<string, string>>, printed: string | null, title = '') {
  const programs = { dhcpcd: printed === null ? { status: 1 } : { status: 0, stdout: printed } };
  const others = { dhcpcd: { 900: [`dhcpcd: eth0${title}`] } };
  const hooks = { 'usr/lib/dhcpcd/dhcpcd-run-hooks': '#!/bin/sh\n', 'var/lib/dhcpcd/eth0.lease': LEASE };
  return dhcpcdStage(patientHost(t, { files: { ...hooks, ...files }, programs, others }), HOLDER, 'eth0');
}

test('dhcpcd’s stage: it has the DHCPv6 lease and the routers that the running dhcpcd says it has', (t) => {
  const lease6 = { 'var/lib/dhcpcd/eth0.lease6': LEASE6() };
  const both = dualPlan(t, lease6, `${HAS_ROUTER}\n${HAS_SIX}`, ' [ip4] [ip6]');
  assert.equal(both.offer6?.address, '2001:db8::9');
  assert.deepEqual(
    both.advertisements?.map(({ router }) => router),
    ['fe80::1'],
  );
  assert.deepEqual(both.command, ['dhcpcd', '-d', '-B', '--nodev', 'eth0']);
  assert.deepEqual([both.leased, both.leasedAlso?.length], [['BOUND', 'REBOOT'], 2]);
  assert.deepEqual(both.events.REBOOT?.also, both.leasedAlso);
  assert.equal(both.events.RENEW6?.family, 6);
  // The stage’s dhcpcd takes the server’s times at the events of a running one.
  assert.ok(both.filesRead.some(({ path, text }) => path === '/var/lib/dhcpcd/eth0.lease6' && text === null));

  const left = dualPlan(t, lease6, HAS_ROUTER, ' [ip4] [ip6]');
  assert.deepEqual([left.offer6, left.events.RENEW6], [undefined, undefined], 'the file is of another time');
});

test('dhcpcd’s stage: a dhcpcd of one family has that family only', (t) => {
  const lease6 = { 'var/lib/dhcpcd/eth0.lease6': LEASE6() };
  const four = dualPlan(t, lease6, HAS_SIX, ' [ip4]');
  assert.deepEqual([four.offer6, four.command.includes('-4')], [undefined, true]);
  const six = dualPlan(t, lease6, HAS_SIX, ' [ip6]');
  assert.deepEqual([six.offer, six.command.includes('-6'), six.leased[0]], [null, true, 'BOUND6']);
  assert.deepEqual(Object.keys(six.events).sort(), [
    ...['EXPIRE6', 'REBIND6', 'REBOOT6', 'RELOAD', 'RENEW6', 'TIMEOUT6'],
  ]);
});

test('dhcpcd’s stage: what it lacks of IPv6 is said', (t) => {
  const lease6 = { 'var/lib/dhcpcd/eth0.lease6': LEASE6() };
  const silent = dualPlan(t, { ...lease6, [KEPT]: '# x\nsearch a\nnameserver 2001:db8::11\n' }, null);
  assert.match(silent.notes[0]!, /^dhcpcd has recorded a DHCPv6 lease of eth0, and does not say whether it still has/);
  assert.deepEqual(silent.advertisedServers, ['2001:db8::11']);
  const delegated = (...associations: Dhcp6Option[]) => {
    const prefix = { code: 25, data: Buffer.alloc(12) };
    return dualPlan(t, { 'var/lib/dhcpcd/eth0.lease6': LEASE6([...associations, prefix]) }, HAS_SIX);
  };
  const plan = delegated(IA_NA);
  assert.equal(plan.offer6?.address, '2001:db8::9');
  assert.match(plan.notes[0]!, /^dhcpcd has a delegated prefix by eth0, and the server of the stage delegates none/);
  const alone = delegated();
  assert.equal(alone.offer6, undefined);
  assert.match(alone.notes[0]!, /lease of eth0 with a delegated prefix and no address, which the stage does not offer/);
  assert.match(dualPlan(t, {}, HAS_SIX).notes[0]!, /without a lease file/);
});

const KEPT = 'run/dhcpcd/hook-state/resolv.conf/eth0.ra';

test('dhcpcd’s stage: without a lease, or with one that is none, it says so', (t) => {
  const message = 'dhcpcd has recorded no lease of eth0';
  assert.throws(() => planOf(t, {}), { code: 'ENOLEASE', message });
  assert.throws(() => planOf(t, { 'var/lib/dhcpcd/eth0.lease': LEASE.slice(0, 100) }), { message });
  assert.throws(() => planOf(t, { 'var/lib/dhcpcd/eth1.lease': LEASE }), { message });
});

test('dhcpcd’s stage: a silent server ends with a link-local address, unless dhcpcd.conf takes none', (t) => {
  const ends = (conf: string) => {
    const { events } = planOf(t, { 'var/lib/dhcpcd/eth0.lease': LEASE, 'etc/dhcpcd.conf': conf });
    return events.TIMEOUT!.ends.includes('EXPIRE');
  };
  assert.equal(ends('duid\n# noarp\n'), false);
  assert.equal(ends('noipv4ll\n'), true);
  assert.equal(ends(' noarp\n'), true);
});
