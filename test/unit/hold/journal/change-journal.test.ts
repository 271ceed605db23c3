/** What a change of DNS touches is written down first, and put back together. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ChangeJournal } from '../../../../agent/hold/journal/change-journal.ts';
import { Originals } from '../../../../agent/hold/originals/originals.ts';
import { DNS_CHANGE_JOURNAL, dnsChangeJournal } from '../../../../agent/hold/proof/dns-change-journal.ts';
import { Host } from '../../../../agent/host/host.ts';
import { WAY_BACK } from '../../../../agent/resources/leftovers.ts';
import { scratch } from '../../../parts/scratch.ts';

const RESOLV_CONF = '/etc/resolv.conf';
const OLD = '# by hand\nnameserver 10.0.0.1\nsearch a.example\n';
const NEW = '# by hand\nnameserver 10.0.0.2\nsearch a.example\n';

function begun(t: TestContext, files: Record<string, string> = { 'etc/resolv.conf': OLD }) {
  const host = new Host({ root: scratch(t, files) });
  return {
    host,
    journal: dnsChangeJournal(host, async () => WAY_BACK),
    at: (path: string) => join(host.root, path),
  };
}

test('DNS change journal: content, mode and absence come back, also by another process', async (t) => {
  const { host, journal, at } = begun(t, { 'etc/resolv.conf': `${OLD}# \xff\n` });
  chmodSync(at(RESOLV_CONF), 0o640);
  journal.note(RESOLV_CONF, NEW);
  assert.equal(statSync(at(DNS_CHANGE_JOURNAL)).mode & 0o7777, 0o600);
  host.replace(RESOLV_CONF, NEW);
  journal.note('/etc/hook', 'new');
  host.replace('/etc/hook', 'new');
  const other = dnsChangeJournal(host, async () => WAY_BACK);
  assert.equal(other.pending(), true);
  assert.deepEqual(await other.putBack(), []);
  assert.equal(host.readText(RESOLV_CONF), `${OLD}# \xff\n`);
  assert.equal(statSync(at(RESOLV_CONF)).mode & 0o7777, 0o640);
  assert.equal(existsSync(at('/etc/hook')), false);
  assert.equal(other.pending(), false);
  assert.deepEqual(await other.putBack(), [], 'and a second time there is nothing to do');
});

test('DNS change journal: what is removed comes back with its mode', async (t) => {
  const { host, journal, at } = begun(t);
  chmodSync(at(RESOLV_CONF), 0o600);
  journal.note(RESOLV_CONF, null);
  host.remove(RESOLV_CONF);
  await journal.putBack();
  assert.equal(host.readText(RESOLV_CONF), OLD);
  assert.equal(statSync(at(RESOLV_CONF)).mode & 0o7777, 0o600);
});

test('DNS change journal: a link that was replaced is a link again; one that was followed has its target back', async (t) => {
  for (const follow of [false, true]) {
    const { host, journal, at } = begun(t, { 'run/theirs': OLD, 'etc/hosts': '' });
    symlinkSync('../run/theirs', at(RESOLV_CONF));
    journal.note(RESOLV_CONF, NEW);
    host.replace(follow ? '/run/theirs' : RESOLV_CONF, NEW);
    assert.deepEqual(await journal.putBack(), []);
    assert.equal(readlinkSync(at(RESOLV_CONF)), '../run/theirs');
    assert.equal(host.readText('/run/theirs'), OLD);
  }
});

test('DNS change journal: changed twice, it goes back to how it was first', async (t) => {
  const { host, journal } = begun(t);
  journal.note(RESOLV_CONF, 'first');
  host.replace(RESOLV_CONF, 'first');
  journal.note(RESOLV_CONF, 'second');
  for (const text of ['second', 'first', OLD]) {
    host.replace(RESOLV_CONF, text);
    const kept = host.readText(DNS_CHANGE_JOURNAL)!;
    assert.deepEqual(await journal.putBack(), []);
    assert.equal(host.readText(RESOLV_CONF), OLD);
    host.replace(DNS_CHANGE_JOURNAL, kept, 0o600);
  }
});

test('DNS change journal: what somebody else wrote since stays; what cannot be told apart is left and named', async (t) => {
  const { host, journal } = begun(t);
  journal.note(RESOLV_CONF, NEW);
  const kept = host.readText(DNS_CHANGE_JOURNAL)!;
  host.replace(RESOLV_CONF, `${NEW}options rotate\n`);
  assert.deepEqual(await journal.putBack(), []);
  assert.equal(host.readText(RESOLV_CONF), `${OLD}options rotate\n`);

  host.replace(DNS_CHANGE_JOURNAL, kept, 0o600);
  host.replace(RESOLV_CONF, 'nameserver 192.0.2.1\n');
  const [left] = await journal.putBack();
  assert.equal(left!.path, RESOLV_CONF);
  assert.match(left!.problem, /another program has changed it since/);
  assert.equal(host.readText(RESOLV_CONF), 'nameserver 192.0.2.1\n');
  assert.equal(journal.pending(), false);
});

test('DNS change journal: what revert goes by is put back, too', async (t) => {
  const { host, journal } = begun(t);
  const originals = new Originals(host);
  journal.note(RESOLV_CONF, NEW);
  await originals.rememberFile(RESOLV_CONF, NEW, 'resolver');
  host.replace(RESOLV_CONF, NEW);
  await journal.putBack();
  assert.deepEqual(originals.all(), []);
});

test('DNS change journal: a damaged journal is refused with what to do, and nothing is written', async (t) => {
  for (const text of ['', '{', '[1]', '[{"path":"etc/passwd"}]', '[null]', '{"length":1}']) {
    const { host, journal, at } = begun(t);
    host.makeFolder('/var/lib/holdfast', 0o755);
    writeFileSync(at(DNS_CHANGE_JOURNAL), text);
    await assert.rejects(journal.putBack(), /dns-change is damaged, .* then remove that file/, text);
    assert.throws(() => journal.note(RESOLV_CONF, NEW), /is damaged/);
    assert.equal(readFileSync(at(RESOLV_CONF), 'utf8'), OLD);
  }
});

test('change journal: the snapshots of resources are put back after the files, the first snapshot last', async (t) => {
  const host = new Host({ root: scratch(t, { 'etc/resolv.conf': OLD }) });
  const told: unknown[] = [];
  const wayBack = async () => ({
    ...WAY_BACK,
    putBackSnapshot: async (_: Host, resource: string, snapshot: unknown, kernel: boolean) => {
      told.push([resource, snapshot, kernel, host.readText(RESOLV_CONF)]);
      return resource === 'b' ? 'it stays' : null;
    },
  });
  const journal = new ChangeJournal(host, { path: '/var/lib/holdfast/x', memory: false, damaged: '' }, wayBack);
  const found = { state: 'drifted', moment: 'now', actual: null, settings: async () => [] } as const;
  const resource = (name: string, snapshot: unknown) => ({
    ...{ name, inspect: async () => [], watches: () => [], snapshot: async () => snapshot },
    apply: async () => assert.fail(),
  });
  const value = { ...found, resource: 'a', kind: 'sysctl', key: 'x', wanted: '1' } as const;
  await journal.noteFindings(resource('a', [1]), [value]);
  await journal.noteFindings(resource('a', [1]), [value]);
  await journal.noteFindings(resource('b', { two: 2 }), [value]);
  await journal.noteFindings(resource('file', 3), [{ ...value, kind: 'file', key: RESOLV_CONF, wanted: NEW }]);
  host.replace(RESOLV_CONF, NEW);
  assert.deepEqual(await journal.putBack({ kernel: false }), [{ path: 'b', problem: 'it stays' }]);
  assert.deepEqual(told, [
    ['b', { two: 2 }, false, OLD],
    ['a', [1], false, OLD],
  ]);
});

test('change journal: a file is ours by the record for revert, where the finding hides a secret', async (t) => {
  const { host, journal } = begun(t, { 'etc/resolv.conf': OLD });
  journal.note(RESOLV_CONF, 'secret hidden');
  await new Originals(host).rememberFile(RESOLV_CONF, 'secret shown', 'sysctl');
  host.replace(RESOLV_CONF, 'secret shown');
  assert.deepEqual(await journal.putBack(), []);
  assert.equal(host.readText(RESOLV_CONF), OLD);
  assert.equal(new Originals(host).find('file', RESOLV_CONF), null);
});
