/** What a running dhclient must be started again for, and what not: its hooks give it that. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { pendingOf } from '../../../../agent/clients/dhclient/pending-changes.ts';
import { dhcpClients } from '../../../../agent/clients/dhclient/running.ts';
import { noteStarts, readAtStart } from '../../../../agent/clients/dhclient/start-records.ts';
import type { DesiredDhcp } from '../../../../agent/config/desired.ts';
import { dhclient } from '../../../parts/desired.ts';
import { FolderHost } from '../../../parts/doctor-patient.ts';
import { fill, scratch } from '../../../parts/scratch.ts';

const CONF = 'etc/dhcp/dhclient.conf';
const FILE = 'send host-name "a";\nrequest routers, domain-name-servers;\nsupersede ntp-servers 10.0.0.1;\n';

/** A host whose dhclient started long ago, and read `before`. */
class Running extends FolderHost {
  start = '77';
  override birthOf(): string {
    return this.start;
  }
}

function running(t: TestContext, before: string | null, now: string): Running {
  const root = scratch(t, { [CONF]: now });
  if (before !== null) fill(root, { 'run/holdfast/read.12': `77\n${before}` });
  return new Running(root, { dhclients: { 12: 'dhclient -4 eth0' } });
}

function pending(host: Running, wanted: DesiredDhcp = dhclient()): readonly string[] | null {
  return pendingOf(host, dhcpClients(host)[0]!, wanted)?.what ?? null;
}

const asking: DesiredDhcp = {
  global: { supersede: new Map(), request: { without: ['routers'], also: [] }, ignore: [] },
  interfaces: new Map(),
};

test('pending changes: statements that only a start reads are pending, by keyword', (t) => {
  const becomes = (now: string) => pending(running(t, FILE, now));
  assert.deepEqual(becomes(FILE.replace('"a"', '"b"')), ['send host-name']);
  assert.deepEqual(becomes(FILE.replace('routers, ', '')), ['request']);
  assert.deepEqual(becomes(`${FILE}timeout 5;\n`), ['timeout']);
  assert.deepEqual(becomes(`${FILE}interface "eth0" { send dhcp-client-identifier 1:2; }\n`), [
    'send dhcp-client-identifier',
  ]);
  assert.deepEqual(becomes(FILE.replace('10.0.0.1', '10.0.0.2')), ['supersede ntp-servers'], 'which no hook holds');
});

test('pending changes: a statement that changes nothing for this dhclient is not pending', (t) => {
  const becomes = (now: string, wanted?: DesiredDhcp) => pending(running(t, FILE, now), wanted);
  assert.equal(becomes(FILE), null);
  assert.equal(becomes(`# a comment\n${FILE.replaceAll('\n', '\r\n\r\n')}`), null);
  assert.equal(becomes(`${FILE}interface "eth1" { timeout 5; }\n`), null, 'another interface');
  assert.equal(becomes(`${FILE}option x code 200 = text;\n`), null);
  assert.equal(becomes(FILE.replace('request routers, ', 'request routers,\n  ')), null);
  const held = dhclient({ 'ntp-servers': ['10.0.0.2'] });
  assert.equal(becomes(FILE.replace('10.0.0.1', '10.0.0.2'), held), null, 'the hook gives it');
});

test('pending changes: if the file that dhclient read is unknown, only its request list can be pending', (t) => {
  assert.equal(pending(running(t, null, FILE)), null);
  assert.deepEqual(pending(running(t, null, FILE), asking), ['request']);
});

test('pending changes: a planned change is pending for a dhclient that read the present file', (t) => {
  const host = running(t, FILE, FILE);
  const client = { ...dhcpClients(host)[0]!, started: Date.now() + 60_000 };
  assert.equal(pendingOf(host, client, asking), null);
  assert.deepEqual(pendingOf(host, client, asking, FILE.replace('routers, ', ''))?.what, ['request']);
});

test('pending changes: the text that a dhclient read is kept while that dhclient runs', (t) => {
  const host = running(t, null, FILE);
  const [stale] = dhcpClients(host) as [ReturnType<typeof dhcpClients>[0]];
  noteStarts(host, [stale]);
  assert.equal(readAtStart(host, stale), null, 'nobody knows what it read');
  const fresh = { ...stale, started: Date.now() + 60_000 };
  noteStarts(host, [fresh]);
  assert.equal(readAtStart(host, fresh), FILE);
  host.start = '78';
  assert.equal(readAtStart(host, fresh), null, 'another process with that number');
  noteStarts(host, []);
  assert.equal(host.lstat('/run/holdfast/read.12'), null);
});
