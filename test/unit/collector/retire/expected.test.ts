/** The hosts that should report: the lists of the operator, names with and without a domain, and hosts that were lost. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ExpectedHost, ExpectedHosts, missingOf } from '../../../../agent/collector/retire/expected.ts';
import { expectedIn, expectedNames, readExpectedFile } from '../../../../agent/collector/retire/expected-names.ts';
import { scratch } from '../../../parts/scratch.ts';

/** Printed by `ansible-inventory --list` of ansible-core 2.19.14. Hosts without variables stand in groups only. */
const INVENTORY = {
  _meta: {
    hostvars: { lone: { ansible_host: '10.0.0.9' }, 'web1.example.com': { ansible_host: '10.0.0.1' } },
    profile: 'inventory_legacy',
  },
  all: { children: ['ungrouped', 'prod'] },
  db: { hosts: ['db1'] },
  prod: { children: ['web', 'db'] },
  ungrouped: { hosts: ['lone'] },
  web: { hosts: ['web1.example.com', 'web2.example.com'] },
};

const host = (key: string, name: string) => ({ key, resource: { 'host.name': name } });
const file = (...names: string[]): ExpectedHost[] =>
  names.map((name) => ({ kind: 'file', id: name, name, seen: 0, sender: '' }));
const missing = (names: string[], hosts: ReturnType<typeof host>[]) =>
  missingOf(file(...names), hosts).map(({ id }) => id);

test('expected names: a file has one name a line, comments count for nothing, and each name counts once', () => {
  assert.deepEqual(expectedNames('# ours\nweb1\n\n web2 # the new one\nweb1\n'), ['web1', 'web2']);
  assert.deepEqual(expectedNames(''), []);
});

test('expected names: an Ansible inventory is read as text and as JSON', () => {
  const names = ['lone', 'web1.example.com', 'db1', 'web2.example.com'];
  assert.deepEqual(expectedNames(JSON.stringify(INVENTORY, null, 2)), names);
  assert.deepEqual(expectedIn(INVENTORY), names);
  assert.deepEqual(expectedIn(['a', 'b', 'a']), ['a', 'b']);
});

test('expected names: an unreadable line is refused with its file and number', (t) => {
  assert.throws(() => expectedNames('web1\nweb 2'), /line 2: a name with blanks/);
  assert.throws(() => expectedNames('{"all": '), /begins as JSON, but is none/);
  assert.throws(() => expectedNames('{"web": {"hosts": ["a"]}}'), /no Ansible inventory/);
  assert.throws(() => expectedNames('{"all": []}'), /all is no JSON object/);
  assert.throws(() => expectedNames('x'.repeat(257)), /line 1: a name of 257 characters/);
  assert.throws(() => expectedIn(['a', 7]), /entry 2: a name that is no text/);
  const path = join(scratch(t), 'hosts');
  assert.throws(() => readExpectedFile(path), /hosts cannot be used: ENOENT/);
  writeFileSync(path, 'a\nb\x07\n');
  assert.throws(() => readExpectedFile(path), /hosts cannot be used: line 2/);
});

test('missing hosts: an expected host is found by its id, or by its name in any case', () => {
  assert.deepEqual(missing(['ID1', 'id2', 'WEB3'], [host('ID1', 'a'), host('id2', 'b'), host('x', 'web3')]), []);
  assert.deepEqual(missing(['id1', 'web4'], [host('ID1', 'a')]), ['id1', 'web4']);
});

test('missing hosts: a name matches with and without its domain if the match is unambiguous', () => {
  assert.deepEqual(missing(['web1.example.com'], [host('1', 'web1')]), []);
  assert.deepEqual(missing(['web1'], [host('1', 'web1.example.com')]), []);
  assert.deepEqual(missing(['web1.a.example'], [host('1', 'web1.b.example')]), ['web1.a.example']);
  assert.deepEqual(missing(['web1.a', 'web1.b'], [host('1', 'web1')]), ['web1.a', 'web1.b']);
  assert.deepEqual(missing(['web1'], [host('1', 'web1.a'), host('2', 'web1.b')]), ['web1']);
});

test('expected hosts: the list survives a restart, and a failing disk leaves it unchanged', () => {
  let stored: ExpectedHost[] = [];
  let fails = false;
  const save = (all: Iterable<ExpectedHost>) => {
    if (fails) throw new Error('disk full');
    stored = [...all];
  };
  const expected = new ExpectedHosts([], save);
  expected.give(['a', 'b']);
  expected.lose('id-c', 'c', 7, 's');
  expected.flush(() => false);
  const again = () => [...new ExpectedHosts(stored, save)].map(({ kind, id }) => `${kind} ${id}`).sort();
  assert.deepEqual(again(), ['given a', 'given b', 'lost id-c']);
  fails = true;
  assert.throws(() => expected.give(['z']), /disk full/);
  assert.throws(() => expected.retire(['a']), /disk full/);
  assert.deepEqual(expected.given, ['a', 'b']);
  fails = false;
  assert.equal(expected.retire(['A', 'c']), true);
  assert.equal(expected.retire(['A', 'c']), false);
  assert.deepEqual(again(), ['given b']);
});

test('expected hosts: a lost host that reports again is no longer lost', () => {
  const expected = new ExpectedHosts([], () => {});
  expected.lose('id-c', 'c', 7, 's');
  expected.flush((id) => id === 'id-c');
  assert.deepEqual([...expected], []);
});

test("expected hosts: a sender with endless lost hosts pushes out its own, and no other sender's", () => {
  const expected = new ExpectedHosts([], () => {});
  for (let n = 0; n < 100; n += 1) expected.lose(`honest-${n}`, 'h', n, 'honest');
  for (let n = 0; n < 15_000; n += 1) expected.lose(`junk-${n}`, 'j', n, 'hostile');
  const all = [...expected];
  assert.equal(all.length, 10_000);
  assert.equal(all.filter(({ sender }) => sender === 'honest').length, 100);
});
