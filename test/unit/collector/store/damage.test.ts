/** A running collector reports damage of its database first, with file, fault and remedy, and shows all that it can read. */
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import type { HealthAnswer } from '../../../../agent/collector/api.ts';
import { Database } from '../../../../agent/collector/store/database.ts';
import { DatabaseError } from '../../../../agent/collector/store/database-error.ts';
import { collector, event, eventually, get, heartbeat, send } from '../../../parts/collector-wire.ts';
import { scratch } from '../../../parts/scratch.ts';

const PAGE = 4_096;

/** A collector that was started again: of 60 hosts with an event of 20,000 characters in sum each, little is in its memory. */
async function filled(t: TestContext) {
  const data = scratch(t);
  const first = await collector(t, { data });
  for (let n = 0; n < 60; n += 1) {
    const host = `edge-${n}`;
    await send(first.url, heartbeat({ host }));
    for (const id of ['1', '2', '3'])
      await send(first.url, event(host, id, { body: id.repeat(7_000) }), { signal: 'logs' });
  }
  await first.close();
  const log: string[] = [];
  const { url } = await collector(t, { data, log: (line) => log.push(line) });
  return { data, file: join(data, 'collector.db'), url, log };
}

/** Writes noise over the database from this page on. */
function ruin(file: string, first: number): void {
  const fd = openSync(file, 'r+');
  const { size } = statSync(file);
  for (let page = first; page * PAGE < size; page += 1) writeSync(fd, Buffer.alloc(PAGE, 0xa5), 0, PAGE, page * PAGE);
  closeSync(fd);
}

async function said(url: string, code: string): Promise<string | undefined> {
  const { trouble } = (await (await fetch(`${url}/healthz`)).json()) as HealthAnswer;
  return trouble.find((one) => one.code === code)?.text;
}

/** Asks until the trouble is there, for half a minute. */
async function trouble(url: string, code: string): Promise<string> {
  for (let left = 300; left > 0; left -= 1) {
    const text = await said(url, code);
    if (text !== undefined) return text;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`no trouble "${code}"`);
}

test('damaged database: pages overwritten at run time are reported with the file and the remedy', async (t) => {
  const { file, url, log } = await filled(t);
  ruin(file, 30);
  const answers = [];
  for (let n = 0; n < 60; n += 1) answers.push(await fetch(`${url}/api/v1/hosts/id-of-edge-${n}`));
  const failed = answers.filter(({ status }) => status !== 200);
  assert.ok(failed.length > 0);
  for (const answer of failed) {
    assert.equal(answer.status, 500);
    assert.deepEqual(await answer.json(), { error: 'what is stored of it cannot be read' });
  }
  const text = await trouble(url, 'database');
  assert.match(text, /Parts of what is stored cannot be read: .*damaged.*stop the collector.*mv /);
  assert.ok(text.includes(file));
  assert.ok(log.includes(text));
  assert.deepEqual((await get(url, '/api/v1/summary')).trouble[0].text, text);
  // The fleet of now is shown all the same.
  assert.equal((await get(url, '/api/v1/hosts')).total, 60);
});

test('damaged database: a read that succeeds again ends the report, and a failed write is no damage', (t) => {
  const data = scratch(t);
  const file = join(data, 'collector.db');
  const text = 'x'.repeat(3_000);
  const first = new Database(data);
  for (let n = 0; n < 50; n += 1)
    first.run('INSERT INTO series (id, metric, unit, attributes) VALUES (?, ?, ?, ?)', n, text, '', '');
  first.close();
  const db = new Database(data);
  const read = () => db.all('SELECT count(metric) AS n, max(length(metric)) FROM series');
  const whole = readFileSync(file);
  ruin(file, 30);
  assert.throws(() => db.run('UPDATE series SET unit = metric'), DatabaseError);
  assert.equal(db.damage, null);
  assert.throws(() => [...db.iterate('SELECT * FROM series')], DatabaseError);
  assert.match(db.damage!, /is damaged/);
  assert.throws(read, DatabaseError);
  db.lookAgain();
  assert.match(db.damage!, /is damaged/);
  writeFileSync(file, whole);
  db.lookAgain();
  assert.equal(db.damage, null);
  assert.equal(read().length, 1);
  db.close();
});

test('damaged database: a collector starts beside overwritten pages, and reports what it left out', async (t) => {
  const data = scratch(t);
  const file = join(data, 'collector.db');
  const first = await collector(t, { data });
  for (const host of ['a', 'b']) await send(first.url, heartbeat({ host }));
  await first.close();
  const db = new DatabaseSync(file);
  const pages = db
    .prepare("SELECT rootpage FROM sqlite_schema WHERE name IN ('journal', 'chunks_current', 'chunks')")
    .all();
  db.close();
  const fd = openSync(file, 'r+');
  for (const { rootpage } of pages) writeSync(fd, Buffer.alloc(PAGE, 0xa5), 0, PAGE, (Number(rootpage) - 1) * PAGE);
  closeSync(fd);
  const { url } = await collector(t, { data });
  assert.equal((await get(url, '/api/v1/hosts')).total, 2);
  assert.match(await trouble(url, 'left-out'), /left out: .*run of heartbeats.*the rest of the last heartbeats/);
  assert.match(await trouble(url, 'database'), /damaged/);
  // Nothing can be appended to such a journal: the sender is told to keep it, and the operator what to do.
  assert.equal((await send(url, heartbeat({ host: 'a', sequence: 2 }))).status, 503);
  assert.match(await trouble(url, 'disk'), /Nothing that hosts send can be stored.*damaged.*mv /);
});

for (const [what, change, undo] of [
  ['deleted', (file: string) => rmSync(file), null],
  [
    'moved away and back',
    (file: string) => renameSync(file, `${file}.old`),
    (file: string) => renameSync(`${file}.old`, file),
  ],
  [
    'replaced',
    (file: string) => {
      renameSync(file, `${file}.old`);
      writeFileSync(file, 'x');
    },
    (file: string) => renameSync(`${file}.old`, file),
  ],
] as const) {
  for (const suffix of ['', '-wal']) {
    test(`damaged database: while collector.db${suffix} is ${what}, the collector acknowledges nothing that would be lost`, async (t) => {
      const data = scratch(t);
      const { url } = await collector(t, { data });
      assert.equal((await send(url, heartbeat())).status, 200);
      change(join(data, `collector.db${suffix}`));
      const text = await trouble(url, 'disk');
      assert.match(
        text,
        /collector\.db(-wal)? was (deleted or moved|replaced by another file) while .*: put the same file back, or/,
      );
      assert.equal((await fetch(`${url}/healthz`)).status, 503);
      assert.equal((await send(url, heartbeat({ sequence: 2 }))).status, 503);
      undo?.(join(data, `collector.db${suffix}`));
      if (undo === null) return;
      await eventually(url, '/api/v1/summary', (answer) => answer.trouble.length === 0);
      assert.equal((await send(url, heartbeat({ sequence: 2 }))).status, 200);
    });
  }
}

test('damaged database: errors of SQLite are reported with the file and the remedy', () => {
  const of = (errcode: number, message: string) =>
    new DatabaseError('/d/collector.db', Object.assign(new Error(message), { errcode }));
  const told: readonly (readonly [number, string, RegExp])[] = [
    [
      10 + (3 << 8),
      'disk I/O error',
      /^\/d\/collector\.db cannot be read or written \(disk I\/O error\): look at its disk.*--data/,
    ],
    [8, 'attempt to write a readonly database', /^\/d\/collector\.db may not be written .*read-only/],
    [13, 'database or disk is full', /^\/d\/collector\.db has no room.*--max-size/],
    [5, 'database is locked', /^\/d\/collector\.db cannot be used: another collector is using it$/],
    [267, 'database disk image is malformed', /^\/d\/collector\.db is damaged.*mv \/d\/collector\.db /],
    [1, 'no such table: x', /^\/d\/collector\.db is damaged \(no such table: x\)/],
    [21, 'bad parameter', /^\/d\/collector\.db cannot be used: bad parameter$/],
  ];
  for (const [code, message, expected] of told) assert.match(of(code, message).message, expected);
});
