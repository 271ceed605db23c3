/** How dhcpcd is rehearsed: which lease, which script, which events. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { writeBootp } from '../../../../agent/clients/bootp.ts';
import { dhcpcdStage } from '../../../../agent/clients/dhcpcd/stage.ts';
import { Host } from '../../../../agent/host/host.ts';
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

test('dhcpcd’s stage: beside a DHCPv6 lease it says what the stage lacks', (t) => {
  const lease = { 'var/lib/dhcpcd/eth0.lease': LEASE };
  assert.equal(planOf(t, lease).cannot?.RENEW6, undefined);
  const { cannot, notes } = planOf(t, { ...lease, 'var/lib/dhcpcd/eth0.lease6': 'x' });
  assert.match(cannot?.RENEW6 ?? '', /^dhcpcd has a DHCPv6 lease of eth0, and the stage has neither DHCPv6/);
  assert.ok(notes.includes(cannot!.RENEW6!));
  const kept = 'run/dhcpcd/hook-state/resolv.conf/eth0.ra';
  const { advertisedServers } = planOf(t, { ...lease, [kept]: '# x\nsearch a\nnameserver 2001:db8::11\n' });
  assert.deepEqual(advertisedServers, ['2001:db8::11']);
});

test('dhcpcd’s stage: without a lease, or with one that is none, it says so', (t) => {
  const message = 'dhcpcd has recorded no IPv4 lease of eth0';
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
