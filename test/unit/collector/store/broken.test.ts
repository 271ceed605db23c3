/** A collector starts with any damaged database, says what it left out, and goes on. It stores no text that SQLite cannot keep. */
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { cut } from '../../../../agent/collector/wire/otlp.ts';
import { beat, fleetOf, rows, START } from '../../../parts/collector-fleet.ts';
import { collector, event, eventually, get, heartbeat, send } from '../../../parts/collector-wire.ts';
import { scratch } from '../../../parts/scratch.ts';

const type = 'application/json';

/** Damages: the SQL of each, run on the database of a stopped collector. */
const DAMAGES: Readonly<Record<string, string>> = {
  'attributes of a host': "UPDATE hosts SET resource = '{' WHERE key = 'id-of-b'",
  'attributes of a host that are a number': "UPDATE hosts SET resource = '5' WHERE key = 'id-of-b'",
  'what a host needs attention for': "UPDATE hosts SET attention = '[1]', memory_errors = '{}' WHERE key = 'id-of-b'",
  'a series': "UPDATE series SET attributes = 'x' WHERE id = (SELECT max(id) FROM series)",
  'a host that is gone, though the journal has it': "DELETE FROM hosts WHERE key = 'id-of-b'",
  'journal that ends in the middle':
    'UPDATE journal SET entries = substr(entries, 1, length(entries) - 3) WHERE id = 1',
  'journal of noise': 'UPDATE journal SET entries = randomblob(5000) WHERE id = 1',
  'journal of a host that never was': "INSERT INTO journal VALUES (999, x'FFFF7F0001000000')",
  'a run of heartbeats that is no deflate':
    "INSERT INTO chunks SELECT NULL, id, 0, 1e15, 0, x'00FF', 0 FROM hosts WHERE key = 'id-of-b'",
  'the next numbers are gone': 'DELETE FROM numbers',
  'the next numbers are beyond all': 'UPDATE numbers SET hosts = 9e18, series = -5',
  'when a host was heard is beyond all': 'UPDATE hosts SET seen = 9e18, start = 9e18',
  'the number of a host is beyond all': "UPDATE hosts SET id = 9e18 WHERE key = 'id-of-b'",
  'the number of a series is beyond all': 'UPDATE series SET id = 9e18 WHERE id = (SELECT max(id) FROM series)',
  'the number of a part of the journal is beyond all': "INSERT INTO journal VALUES (9e18, x'00')",
  'times of a run of heartbeats beyond all':
    "INSERT INTO chunks SELECT NULL, id, 9e18, 9e18, 9e18, x'00FF', 0 FROM hosts WHERE key = 'id-of-b'",
  'times of an event beyond all':
    "UPDATE events SET time = 9e18, arrived = 9e18 WHERE host = (SELECT id FROM hosts WHERE key = 'id-of-b')",
  'attributes of an event': "UPDATE events SET attributes = '\u0001'",
};

for (const [what, damage] of Object.entries(DAMAGES)) {
  test(`broken database: ${what}`, async (t) => {
    const data = scratch(t);
    const first = await collector(t, { data });
    for (const host of ['b', 'good']) {
      await send(first.url, heartbeat({ host }));
      await send(first.url, event(host, '1'), { signal: 'logs' });
    }
    await first.close();
    const database = new DatabaseSync(join(data, 'collector.db'));
    database.exec(damage);
    database.close();
    const { url } = await collector(t, { data });
    const path = '/api/v1/hosts/id-of-good';
    const good = await get(url, path);
    assert.equal(good.events.length, 1);
    assert.equal((await get(url, `${path}/series?metric=system.network.route.count`)).series.length > 0, true);
    assert.equal((await fetch(`${url}/metrics`)).status, 200);
    for (const host of ['b', 'good']) assert.equal((await send(url, heartbeat({ host, sequence: 2 }))).status, 200);
    await eventually(url, '/api/v1/hosts', ({ total }) => total === 2);
    const settings = await get(url, '/api/v1/hosts/id-of-b');
    assert.equal(settings.host.name, 'b');
  });
}

/** Damages after which the database cannot be used at all. */
const RUINS: Readonly<Record<string, [ruin: (file: string) => void, said: RegExp]>> = {
  'a file of something else': [(file) => writeFileSync(file, 'no database '.repeat(1_000)), /damaged.*mv /],
  'half a file': [(file) => truncateSync(file, 4096 * 6), /damaged.*mv /],
  'a table that is gone': [(file) => change(file, 'DROP TABLE journal'), /damaged.*mv /],
  'a folder in its place': [intoFolder, /cannot be opened/],
};

function intoFolder(file: string): void {
  rmSync(file);
  mkdirSync(file);
}

function change(file: string, sql: string): void {
  const db = new DatabaseSync(file);
  db.exec(sql);
  db.close();
}

for (const [what, [ruin, said]] of Object.entries(RUINS)) {
  test(`ruined database: ${what} is reported with the file and the remedy, and the file stays as it is`, async (t) => {
    const data = scratch(t);
    const file = join(data, 'collector.db');
    const first = await collector(t, { data });
    await send(first.url, heartbeat());
    await first.close();
    ruin(file);
    await assert.rejects(
      collector(t, { data }),
      (error: Error) => said.test(error.message) && error.message.includes(file),
    );
    // The advice in the message works.
    renameSync(file, `${file}.damaged`);
    const { url } = await collector(t, { data });
    assert.equal((await send(url, heartbeat())).status, 200);
  });
}

test('broken database: the collector says what it left out, and how much', async (t) => {
  const data = scratch(t);
  const first = await collector(t, { data });
  await send(first.url, heartbeat({ host: 'b' }));
  await first.close();
  const database = new DatabaseSync(join(data, 'collector.db'));
  database.exec("UPDATE hosts SET resource = '{'; INSERT INTO journal VALUES (77, x'00')");
  database.close();
  const log: string[] = [];
  const { url } = await collector(t, { data, log: (line) => log.push(line) });
  const { trouble } = await eventually(url, '/api/v1/summary', (answer) => answer.trouble.length > 0);
  assert.match(
    trouble[0].text,
    /left out: attributes of a host \(1 times\), a part of the last heartbeats \(1 times\)/,
  );
  assert.deepEqual(log, [trouble[0].text]);
});

test('broken requests: ids with half a surrogate pair or odd characters leave a readable database', async (t) => {
  const data = scratch(t);
  const first = await collector(t, { data });
  const ids = [
    '\\ud800',
    '\\ud801',
    'a\\u0000b',
    'a\\u0000c',
    `${'x'.repeat(255)}\\ud83d\\ude00`,
    '\\ufeff',
    '\\ufffe',
    '__proto__',
  ];
  const statuses: number[] = [];
  for (const id of ids) {
    const attributes = `[{"key":"host.id","value":{"stringValue":"${id}"}}]`;
    const metrics = '[{"name":"load","gauge":{"dataPoints":[{"asDouble":1}]}}]';
    const body = `{"resourceMetrics":[{"resource":{"attributes":${attributes}},"scopeMetrics":[{"metrics":${metrics}}]}]}`;
    statuses.push((await send(first.url, Buffer.from(body), { type })).status);
  }
  assert.deepEqual(statuses, [400, 400, 200, 200, 200, 200, 200, 200]);
  await first.close();
  const { url } = await collector(t, { data });
  const { total, hosts } = await get(url, '/api/v1/hosts');
  assert.equal(total, 6);
  for (const { id } of hosts) assert.equal((await get(url, `/api/v1/hosts/${encodeURIComponent(id)}`)).host.id, id);
  assert.deepEqual((await get(url, '/api/v1/summary')).trouble, []);
});

test('broken requests: counters of any size can be stored and shown', (t) => {
  const made = fleetOf(t);
  const errors = (value: number) => [['holdfast.memory_errors', value, { cause: 'x' }] as const];
  for (const [n, value] of [0, 1e308, 0, 1.7e308, -1e308, 1e308].entries()) {
    beat(made.fleet, { sequence: n + 1, time: START + n * 1_000, values: errors(value) });
  }
  made.fleet.commit();
  const fleet = made.again(START + 10_000);
  assert.equal(made.store.leftOut.sentence(), null);
  assert.equal(rows(fleet, START + 10_000).get('a')?.memoryErrors, Number.MAX_SAFE_INTEGER);
});

test('broken requests: a text is not cut in the middle of a character', () => {
  assert.equal(cut('ab😀', 3), 'ab');
  assert.equal(cut('ab😀', 4), 'ab😀');
  assert.equal(cut('abcd', 3), 'abc');
});
