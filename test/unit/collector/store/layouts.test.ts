/**
 * A database of each earlier layout becomes one of the present layout, with all that it holds. `layout-1.db.gz` was written by the
 * last collector that had it (before 8a062e8): 150 heartbeats of a and b, 20 of c, 15 events each of a and c.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { collector, event, get, heartbeat, send } from '../../../parts/collector-wire.ts';
import { REPOSITORY } from '../../../parts/repository.ts';
import { scratch } from '../../../parts/scratch.ts';

/** Times in it: of the first heartbeat less 10 s, and of the last one. */
const FROM = 1_796_030_039_146;
const TO = FROM + 1_500_000;
const AGE = 100 * 365 * 86_400_000;

function old(t: TestContext): { data: string; file: string } {
  const data = scratch(t);
  const file = join(data, 'collector.db');
  writeFileSync(file, gunzipSync(readFileSync(join(REPOSITORY, 'test/corpus/collector/layout-1.db.gz'))));
  return { data, file };
}

function read(file: string, sql: string): Record<string, unknown>[] {
  const db = new DatabaseSync(file);
  try {
    return db.prepare(sql).all();
  } finally {
    db.close();
  }
}

test('database layouts: layout 1 keeps its hosts, heartbeats and events through each start, and takes new ones', async (t) => {
  const { data, file } = old(t);
  for (let start = 0; start < 3; start += 1) {
    const running = await collector(t, { data, keep: AGE });
    const { url } = running;
    assert.deepEqual((await get(url, '/api/v1/summary')).trouble, []);
    const { hosts } = await get(url, '/api/v1/hosts');
    const names = hosts.map(({ id, name }: { id: string; name: string }) => [id, name]).sort();
    assert.deepEqual(names.slice(0, 3), [
      ['id-of-a', 'a'],
      ['id-of-b', 'b'],
      ['id-of-c', 'c'],
    ]);
    const b = await get(url, '/api/v1/hosts/id-of-b');
    assert.equal(b.host.labels.site, 'b');
    assert.deepEqual(b.settings, [
      { setting: 'dns.nameservers', moments: { now: 'ok', lease: 'drifted', boot: 'ok' } },
    ]);
    for (const [host, beats] of [
      ['a', 150],
      ['b', 150],
      ['c', 20],
    ] as const) {
      const path = `/api/v1/hosts/id-of-${host}`;
      const times = `from=${FROM}&to=${TO}&points=5000`;
      const { series } = await get(url, `${path}/series?metric=holdfast.heartbeat.sequence&${times}`);
      const sent = Array.from({ length: beats }, (_, n) => [FROM + (n + 1) * 10_000, n + 1]);
      assert.deepEqual(
        series.map(({ points }: { points: unknown }) => points),
        [sent],
      );
      const events = await get(url, `${path}/events?limit=100`);
      assert.equal(events.length, host === 'b' ? 0 : 15);
    }
    // An event that was stored in the old layout is known when it comes again.
    await send(url, event('a', 'r-1'), { signal: 'logs' });
    assert.equal((await send(url, heartbeat({ host: 'a', sequence: 151 + start }))).status, 200);
    assert.equal((await send(url, heartbeat({ host: `new-${start}` }))).status, 200);
    await running.close();
  }
  const ids = read(file, 'SELECT id FROM hosts ORDER BY id').map(({ id }) => id);
  assert.deepEqual(ids, [0, 1, 2, 3, 4, 5]);
});

test('database layouts: layout 1 becomes the present layout, and the room of each host is counted', async (t) => {
  const { data, file } = old(t);
  await (await collector(t, { data, keep: AGE })).close();
  const fresh = scratch(t);
  await (await collector(t, { data: fresh })).close();
  const layout =
    "SELECT type, name, tbl_name, replace(replace(sql, char(10), ' '), '  ', ' ') AS sql FROM sqlite_schema ORDER BY name";
  assert.deepEqual(read(file, layout), read(join(fresh, 'collector.db'), layout));
  const version = 'PRAGMA user_version';
  assert.deepEqual(read(file, version), read(join(fresh, 'collector.db'), version));
  const wrong = `SELECT key FROM hosts WHERE seen < ${FROM} OR bytes <>
    (SELECT coalesce(sum(length(frames) + 100), 0) FROM chunks WHERE host = hosts.id) +
    (SELECT coalesce(sum(length(body) + length(attributes) + 100), 0) FROM events WHERE host = hosts.id)`;
  assert.deepEqual(read(file, wrong), []);
  assert.equal(read(file, 'PRAGMA integrity_check')[0]?.integrity_check, 'ok');
});

test('database layouts: a database of a later layout is refused, and stays as it is', async (t) => {
  const { data, file } = old(t);
  read(file, 'PRAGMA user_version = 99');
  const all = 'SELECT name, sql FROM sqlite_schema ORDER BY name';
  const before = read(file, all);
  await assert.rejects(collector(t, { data }), (error: Error) => {
    return error.message.includes(file) && /layout 99, this agent knows \d+: install a later agent/.test(error.message);
  });
  assert.deepEqual(read(file, all), before);
  assert.equal(read(file, 'PRAGMA user_version')[0]?.user_version, 99);
});
