/** A sortlist with what was measured in it, and the record of that on disk, whoever wrote it. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { type ConfiguredState, isWhole, type SortlistEntry } from '../../../agent/config/desired.ts';
import { Host } from '../../../agent/host/host.ts';
import { complete } from '../../../agent/nearest/complete.ts';
import type { Measured } from '../../../agent/nearest/measure.ts';
import { type Measurement, parseMeasurements } from '../../../agent/nearest/measurement-record.ts';
import { Nearness } from '../../../agent/nearest/nearness.ts';
import { accepted, type Plain } from '../../parts/accepted.ts';
import { desired, dns } from '../../parts/desired.ts';
import { desiredOf } from '../../parts/doctor-patient.ts';
import { scratch } from '../../parts/scratch.ts';

const PUPPET = { name: 'puppet.example.com', port: 8140, tries: 5, interval: 300_000 };
const LDAP = { ...PUPPET, name: 'ldap.example.com', port: 636 };
const STATIC = '10.0.0.0/255.0.0.0';

function measured(...addresses: string[]): Measurement {
  const order = addresses.map((address) => ({ address, time: 1, absent: 0, ahead: {} }));
  return accepted({ measured: Date.now() - 60_000, order, found: addresses.length });
}

function many(count: number, third = 1): string[] {
  return Array.from({ length: count }, (_, i) => `10.9.${third}.${i + 1}`);
}

function sortlist(
  entries: readonly Plain<SortlistEntry>[],
  record: Record<string, Measurement>,
): readonly string[] | null {
  const configured: ConfiguredState = accepted({ ...desired(), dns: { ...dns({}), sortlist: entries } });
  return complete(configured, record).dns?.sortlist ?? null;
}

const host32 = (address: string) => `${address}/255.255.255.255`;

test('complete state: each name has its addresses in its place, the nearest first; networks stay where they are', () => {
  const record = {
    'puppet.example.com:8140': measured('10.1.0.2', '10.1.0.1'),
    'ldap.example.com:636': measured('10.2.0.1'),
  };
  assert.deepEqual(sortlist([LDAP, STATIC, PUPPET], record), [
    host32('10.2.0.1'),
    STATIC,
    host32('10.1.0.2'),
    host32('10.1.0.1'),
  ]);
});

test('complete state: what was never measured is left out; where that is all, the line that is there stays', () => {
  assert.deepEqual(sortlist([PUPPET, STATIC], {}), [STATIC]);
  assert.equal(sortlist([PUPPET], {}), null);
  assert.deepEqual(sortlist([], {}), []);
});

test('ten pairs: networks all stay, each name has its nearest, the first names have the rest', () => {
  const record = { 'puppet.example.com:8140': measured(...many(16)), 'ldap.example.com:636': measured(...many(16, 2)) };
  assert.deepEqual(sortlist([STATIC, PUPPET], record), [STATIC, ...many(9).map(host32)]);
  const { 'puppet.example.com:8140': puppet } = record;
  assert.equal(sortlist([PUPPET, STATIC, LDAP], { 'puppet.example.com:8140': puppet })?.length, 10);
  assert.deepEqual(sortlist([PUPPET, STATIC, LDAP], record), [...many(8).map(host32), STATIC, host32('10.9.2.1')]);
});

test('complete state: an address of two names, or of a name and a network, stands once, where it comes first', () => {
  const record = {
    'puppet.example.com:8140': measured('10.1.0.1'),
    'ldap.example.com:636': measured('10.1.0.1', '10.1.0.2'),
  };
  assert.deepEqual(sortlist([host32('10.1.0.2'), PUPPET, LDAP], record), [host32('10.1.0.2'), host32('10.1.0.1')]);
});

test('complete state: what the configuration says of a name, and what it leaves open', () => {
  const state = desiredOf('dns: { sortlist: [10.0.0.0/8, { nearest: { name: Puppet.Example.com, port: 8140 } }] }');
  assert.deepEqual(state.dns?.sortlist, [STATIC, PUPPET]);
  assert.equal(isWhole(state), false);
  assert.equal(isWhole(desiredOf('dns: { sortlist: [10.0.0.0/8] }')), true);
});

function nearness(
  t: TestContext,
  record: string | null,
  entries: readonly Plain<SortlistEntry>[] = [PUPPET],
): Nearness {
  const host = new Host({ root: scratch(t, record === null ? {} : { 'var/lib/holdfast/nearest.json': record }) });
  return new Nearness(host, accepted({ ...desired(), dns: { ...dns({}), sortlist: entries } }));
}

function found(times: Record<string, number | null>, began = Date.now()) {
  const result: Measured = accepted({ times: new Map(Object.entries(times)), named: new Set(Object.keys(times)) });
  return { nearest: PUPPET, target: 'puppet.example.com:8140', began, measured: result, problem: null };
}

test('complete state: a measurement is kept, and is wanted from then on, also by whoever comes later', (t) => {
  const one = nearness(t, null);
  assert.equal(one.desired().dns?.sortlist, null);
  assert.equal(one.views()[0]?.old, true);
  assert.equal(one.note([found({ '10.1.0.1': 9, '10.1.0.2': 3 })]), true);
  const wanted = one.desired();
  assert.deepEqual(wanted.dns?.sortlist, [host32('10.1.0.2'), host32('10.1.0.1')]);
  assert.equal(one.views()[0]?.old, false);

  // The same order again: nothing else is wanted, and the very object says so.
  assert.equal(one.note([found({ '10.1.0.1': 8, '10.1.0.2': 4 }, Date.now() + 1)]), false);
  assert.equal(one.desired(), wanted);
  // None: the last good answer stays.
  assert.equal(one.note([{ ...found({}), measured: null, problem: 'no' }]), false);
  assert.equal(one.desired(), wanted);
});

test('complete state: a round that somebody else has measured meanwhile counts once', (t) => {
  const one = nearness(t, null);
  one.note([found({ '10.1.0.1': 9, '10.1.0.2': 3 })]);
  const before = Date.now() - 1_000;
  for (let n = 0; n < 5; n += 1) assert.equal(one.note([found({ '10.1.0.1': 1, '10.1.0.2': 30 }, before)]), false);
});

test('in a --root folder nothing is measured: its network is not ours', (t) => {
  assert.deepEqual(nearness(t, null).due(), []);
});

test('complete state: a record of anything else than measurements is none', (t) => {
  const good = measured('10.1.0.1');
  assert.deepEqual(parseMeasurements(JSON.stringify({ a: good })), { a: good });
  const place = good.order[0];
  const bad: unknown[] = [
    { ...good, order: [{ ...place, address: '10.1.0.1\nnameserver 6.6.6.6' }] },
    { ...good, order: [{ ...place, address: '$(reboot)' }] },
    ...['10.1.0', '10.1.0.256', '10.1.0.01', '10.1.0.1.', '10.1.0.1.1', '::1', '10.1.0.1\n'].map((address) => {
      return { ...good, order: [{ ...place, address }] };
    }),
    { ...good, order: [{ ...place, address: ['10.1.0.1'] }] },
    { ...good, order: [place, place] },
    { ...good, order: [{ ...place, time: 'soon' }] },
    { ...good, order: [{ ...place, ahead: { x: 'y' } }] },
    { ...good, order: {} },
    { ...good, measured: -1 },
    { ...good, measured: null },
    null,
    7,
  ];
  for (const one of bad) assert.deepEqual(parseMeasurements(JSON.stringify({ a: one })), {}, JSON.stringify(one));
  for (const text of ['', '{', 'null', '[]', '[1]', '"x"', '\0\0', '{"a":{"order":[null]}}']) {
    assert.deepEqual(parseMeasurements(text), {}, text);
    assert.equal(nearness(t, text).desired().dns?.sortlist, null);
  }
  fc.assert(fc.property(fc.json(), (text) => void parseMeasurements(text)));
});
