/** A host that is a copy of another one knows it by its hardware, or by cloud-init. */
import assert from 'node:assert/strict';
import { existsSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { machineIdCheck } from '../../../agent/doctor/checks/machine-id-check.ts';
import { Host } from '../../../agent/host/host.ts';
import { rememberMachine } from '../../../agent/host/machine.ts';
import { scratch } from '../../parts/scratch.ts';

const ID = { 'etc/machine-id': `${'ab'.repeat(16)}\n` };

function machine(t: TestContext, files: Record<string, string>, live = true): Host {
  return new Host({ root: scratch(t, { ...ID, ...files }), live });
}
function card(name: string, address: string): Record<string, string> {
  return { [`sys/class/net/${name}/address`]: `${address}\n`, [`sys/class/net/${name}/device/vendor`]: '' };
}
const firmware = (uuid: string) => ({ 'sys/class/dmi/id/product_uuid': `${uuid}\n` });

/** The doctor's words on the machine `now`, whose disk is a copy of the disk of the machine `before`. */
function said(t: TestContext, before: Record<string, string>, now: Record<string, string>): string[] {
  const first = machine(t, before);
  rememberMachine(first);
  const kept = first.readText('/var/lib/holdfast/machine');
  const clone = machine(t, { ...now, ...(kept === null ? {} : { 'var/lib/holdfast/machine': kept }) });
  rememberMachine(clone);
  return [
    ...machineIdCheck({ host: clone, desired: null, groups: [], secrets: [], unled: [], daemons: new Map() }),
  ].map(({ seen }) => seen);
}

const [A, B] = ['52:54:00:aa:aa:aa', '52:54:00:bb:bb:bb'];
const [U, V] = ['4c4c4544-0042-3010-8052-b4c04f565931', '6d1f2a3e-0042-3010-8052-b4c04f565932'];

test('machine-id: a copy on other hardware is told, with the hardware that it came from', (t) => {
  const [seen = ''] = said(t, { ...card('eth0', A), ...firmware(U) }, { ...card('eth0', B), ...firmware(V) });
  assert.match(seen, /was first seen on a machine with mac:52:54:00:aa:aa:aa, product_uuid:4c4c4544/);
});

test('machine-id: the same machine with a new card, or with a new name for it, is no copy', (t) => {
  const before = { ...card('eth0', A), ...firmware(U) };
  assert.deepEqual(said(t, before, { ...card('eth0', B), ...firmware(U) }), []);
  assert.deepEqual(said(t, before, { ...card('ens3', A), ...firmware(U) }), []);
  assert.deepEqual(said(t, before, card('eth0', A)), [], 'firmware that cannot be read');
  assert.deepEqual(said(t, {}, card('eth0', B)), [], 'nothing was kept');
});

test('machine-id: firmware that says the same of every machine proves nothing', (t) => {
  for (const uuid of [
    '00000000-0000-0000-0000-000000000000',
    'To be filled by O.E.M.',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
  ])
    assert.equal(
      said(t, { ...card('eth0', A), ...firmware(uuid) }, { ...card('eth0', B), ...firmware(uuid) }).length,
      1,
      uuid,
    );
});

test('machine-id: what a clone keeps does not hide that it is one; a new machine-id ends it', (t) => {
  const host = machine(t, card('eth0', A));
  rememberMachine(host);
  const kept = host.readText('/var/lib/holdfast/machine')!;
  assert.ok(!kept.includes(ID['etc/machine-id'].trim()), 'the machine-id itself is kept nowhere');
  const clone = machine(t, { ...card('eth0', B), 'var/lib/holdfast/machine': kept });
  rememberMachine(clone);
  assert.equal(clone.readText('/var/lib/holdfast/machine'), kept);
  writeFileSync(clone.locate('/etc/machine-id'), `${'cd'.repeat(16)}\n`);
  rememberMachine(clone);
  assert.match(clone.readText('/var/lib/holdfast/machine')!, new RegExp(`^[0-9a-f]{64}\nmac:${B}\n$`));
});

test('machine-id: files of a machine that does not run are neither looked at nor changed', (t) => {
  const host = machine(t, card('eth0', A), false);
  rememberMachine(host);
  assert.ok(!existsSync(join(host.root, 'var/lib/holdfast/machine')));
});

test("machine-id: cloud-init's earlier instance is told, if the machine-id is as old", (t) => {
  const cloud = (now: string, last: string) => ({
    'var/lib/cloud/data/instance-id': `${now}\n`,
    'var/lib/cloud/data/previous-instance-id': `${last}\n`,
    'var/lib/cloud/instances/i-a/boot-finished': '',
  });
  const look = (files: Record<string, string>, age: number) => {
    const host = machine(t, files);
    const made = Date.now() / 1000 - age;
    utimesSync(host.locate('/etc/machine-id'), made, made);
    return [...machineIdCheck({ host, desired: null, groups: [], secrets: [], unled: [], daemons: new Map() })].map(
      ({ seen }) => seen,
    );
  };
  assert.match(look(cloud('i-b', 'i-a'), 3600)[0]!, /before this disk became instance i-b: it was instance i-a/);
  assert.deepEqual(look(cloud('i-b', 'i-a'), -3600), [], 'made anew');
  assert.deepEqual(look(cloud('i-a', 'i-a'), 3600), []);
  assert.deepEqual(look(cloud('i-a', 'NO_PREVIOUS_INSTANCE_ID'), 3600), []);
  assert.deepEqual(look(cloud('i-b', '../../etc'), 3600), []);
});
