/** The exit hook's records of lease events are read back, and foreign files are no records. */
import assert from 'node:assert/strict';
import { symlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { leaseRecords, parseLeaseRecord } from '../../../../../agent/clients/dhclient/leases/lease-records.ts';
import { Host } from '../../../../../agent/host/host.ts';
import { scratch } from '../../../../parts/scratch.ts';

test('lease records: a record of the exit hook is read back', () => {
  const text =
    'reason=RENEW\tinterface=eth0\tpid=812\tip_address=10.77.0.100\tdomain_search=a.example. b.example.\thost_name=?\n';
  assert.deepEqual(parseLeaseRecord(text, 5), {
    interface: 'eth0',
    family: 4,
    reason: 'RENEW',
    pid: 812,
    time: 5,
    offered: new Map([
      ['ip_address', '10.77.0.100'],
      ['domain_search', 'a.example. b.example.'],
      ['host_name', null],
    ]),
  });
  assert.equal(parseLeaseRecord('reason=BOUND6\tinterface=eth0\tpid=1\n', 0)?.family, 6);
  assert.equal(
    parseLeaseRecord('reason=BOUND\tinterface=eth0\tpid=1\tdomain_name=a=b\n', 0)?.offered.get('domain_name'),
    'a=b',
  );
});

test('lease records: a file that no hook wrote is no record', () => {
  for (const text of [
    '',
    '\n',
    'reason=BOUND',
    'reason=\tinterface=eth0\tpid=1',
    'reason=BOUND\tinterface=eth0\tpid=x',
    '\0',
  ])
    assert.equal(parseLeaseRecord(text, 0), null, JSON.stringify(text));
});

test('lease records: all records of a host, each under its own name, with its time', (t) => {
  const record = (iface: string, reason = 'BOUND') => `reason=${reason}\tinterface=${iface}\tpid=1\n`;
  const root = scratch(t, {
    'run/holdfast/lease.eth0': record('eth0'),
    'run/holdfast/lease6.eth0': record('eth0', 'BOUND6'),
    'run/holdfast/lease.eth1': record('eth0'),
    'run/holdfast/lease.eth2': 'damaged',
    'run/holdfast/configuration': record('eth0'),
  });
  symlinkSync('lease.eth0', join(root, 'run/holdfast/lease.eth3'));
  utimesSync(join(root, 'run/holdfast/lease.eth0'), 1000, 1000);
  const records = leaseRecords(new Host({ root }));
  assert.deepEqual(
    records.map(({ interface: name, family }) => [name, family]),
    [
      ['eth0', 4],
      ['eth0', 6],
    ],
  );
  assert.equal(records[0]?.time, 1_000_000);
  assert.deepEqual(leaseRecords(new Host({ root: scratch(t) })), []);
});
