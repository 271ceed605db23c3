/** The collector's store: chunks and journal over the hours, limits of age and size, and a disk that is full for a while. */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { Fleet } from '../../../../agent/collector/fleet/fleet.ts';
import { Query } from '../../../../agent/collector/queries/query.ts';
import { Bytes, readFrames, type Values, writeFrame } from '../../../../agent/collector/series/value-frames.ts';
import { retain } from '../../../../agent/collector/store/retention.ts';
import { Store } from '../../../../agent/collector/store/store.ts';
import type { OtlpPoint, OtlpResource } from '../../../../agent/collector/wire/otlp.ts';
import { scratch } from '../../../parts/scratch.ts';

const DAY = 86_400_000;
const MINUTE = 60_000;
const START = 1_700_000_000_000;

function resource(name: string): OtlpResource {
  return { key: name, read: () => ({ 'host.name': name }) };
}

/** Sends one heartbeat of each of these hosts. */
function beat(fleet: Fleet, time: number, value: number, names: readonly string[] = ['a']): void {
  for (const name of names) {
    const series = (metric: string) => fleet.series.find(metric, '1', '', () => ({}))!;
    const points: OtlpPoint[] = [
      { series: series('holdfast.heartbeat.sequence'), time, value },
      { series: series('load'), time, value: value / 3 },
    ];
    fleet.beat(resource(name), points, time);
  }
}

async function sequences(store: Store, fleet: Fleet, now: number, name = 'a'): Promise<number[]> {
  const query = new Query(fleet, store, '0');
  const asked = new URLSearchParams({ metric: 'holdfast.heartbeat.sequence', from: '0', to: `${now}`, points: '5000' });
  const { series } = await query.series(fleet.find(name)!, asked);
  return series.flatMap(({ points }) => points.map(([, value]) => value));
}

test('store: a folder that other users may write to is refused, because SQLite would open their files', (t) => {
  const folder = scratch(t);
  chmodSync(folder, 0o777);
  assert.throws(() => new Store(folder), /may be written by others \(chmod go-w /);
  if (process.getuid?.() !== 0) return;
  chmodSync(folder, 0o755);
  chownSync(folder, 4242, 4242);
  assert.throws(() => new Store(folder), /belongs to user 4242: run it as that user, or chown it/);
  assert.deepEqual(readdirSync(folder), []);
});

test('store: frames are read back as written', () => {
  const value = fc.oneof(
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double({ noDefaultInfinity: true, noNaN: true }),
    fc.constant(Number.NaN),
  );
  const change = fc.record({ series: fc.nat(1_000_000), value });
  const frame = fc.record({ time: fc.nat(2 ** 42), changes: fc.array(change, { maxLength: 20 }) });
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 10 }), (frames) => {
      const bytes = new Bytes(1);
      let last = 0;
      for (const { time, changes } of frames) {
        const values: Values = { series: changes.map(({ series }) => series), values: changes.map((one) => one.value) };
        writeFrame(bytes, time - last, values);
        last = time;
      }
      const read: unknown[] = [];
      readFrames(bytes.view(), (time, { series, values }) => {
        read.push({ time, changes: series.map((id, index) => ({ series: id, value: values[index]! + 0 })) });
      });
      const written = frames.map(({ time, changes }) => {
        return { time, changes: changes.map(({ series, value }) => ({ series, value: value + 0 })) };
      });
      assert.deepEqual(read, written);
    }),
  );
});

test('store: over a day of heartbeats, chunks replace the journal, and a restart at any time shows the same', async (t) => {
  const folder = scratch(t);
  let store = new Store(folder);
  t.after(() => store.close());
  let fleet = new Fleet(store, 14 * DAY, START);
  const sent: number[] = [];
  for (let minute = 0; minute < 24 * 60; minute += 1) {
    const now = START + minute * MINUTE;
    beat(fleet, now, minute, ['a', 'b']);
    sent.push(minute);
    fleet.commit();
    fleet.upkeep.closeOld(now);
    fleet.upkeep.tidy(now);
    if (minute % 97 !== 0) continue;
    store.close();
    store = new Store(folder);
    fleet = new Fleet(store, 14 * DAY, now);
    assert.deepEqual(await sequences(store, fleet, now, 'b'), sent);
  }
  // Half an hour of heartbeats, and not the day, waits in the journal.
  assert.ok([...store.journal()].length < 70, `${[...store.journal()].length}`);
});

test('store: an emptied journal continues its numbers, so no row is deleted too early', async (t) => {
  const folder = scratch(t);
  const store = new Store(folder);
  const fleet = new Fleet(store, 14 * DAY, START);
  for (let n = 0; n < 10; n += 1) {
    beat(fleet, START + n, n);
    fleet.commit();
  }
  fleet.upkeep.closeOld(START + 31 * MINUTE);
  fleet.upkeep.tidy(START + 31 * MINUTE);
  fleet.upkeep.closeOld(START + 32 * MINUTE);
  fleet.upkeep.tidy(START + 32 * MINUTE);
  assert.equal([...store.journal()].length, 0);
  const now = START + 33 * MINUTE;
  beat(fleet, now, 10);
  fleet.commit();
  fleet.upkeep.closeOld(now);
  fleet.upkeep.tidy(now);
  store.close();
  const again = new Store(folder);
  t.after(() => again.close());
  assert.equal((await sequences(again, new Fleet(again, 14 * DAY, now), now)).at(-1), 10);
});

test('store: it deletes rows beyond the greatest age, and no others', async (t) => {
  const store = new Store(scratch(t));
  t.after(() => store.close());
  const fleet = new Fleet(store, 14 * DAY, START);
  for (let day = 0; day < 20; day += 1) {
    const now = START + day * DAY;
    beat(fleet, now, day);
    const attributes = {};
    fleet.note(resource('a'), [{ time: now, name: 'x', severity: 'info', body: `${day}`, attributes }], now);
    fleet.commit();
    fleet.upkeep.closeOld(now + 31 * MINUTE);
    fleet.upkeep.tidy(now + 31 * MINUTE);
  }
  const now = START + 19.5 * DAY;
  await retain(store, { keep: 5 * DAY, maxSize: 2 ** 40 }, now, () => false);
  assert.deepEqual(await sequences(store, fleet, now), [15, 16, 17, 18, 19]);
  const events = store.events.before(fleet.find('a')!.id, now, 100);
  assert.deepEqual(
    events.map(({ body }) => body),
    ['19', '18', '17', '16', '15'],
  );
});

test('store: above its size it deletes the oldest rows first', async (t) => {
  const store = new Store(scratch(t));
  t.after(() => store.close());
  const fleet = new Fleet(store, 14 * DAY, START);
  const records = (at: number) =>
    Array.from({ length: 200 }, (_, n) => {
      return { time: at, name: 'x', severity: 'info' as const, body: `${n} `.repeat(500), attributes: {} };
    });
  for (let n = 0; n < 20; n += 1) {
    fleet.note(resource('a'), records(START + n), START + n);
    fleet.commit();
  }
  const full = store.size();
  await retain(store, { keep: 14 * DAY, maxSize: full / 2 }, START + 100, () => false);
  assert.ok(store.size() <= full / 2);
  const left = store.events.before(fleet.find('a')!.id, START + 100, 10_000).map(({ time }) => time);
  assert.ok(left.length > 500 && left.length < 3_000, `${left.length}`);
  assert.equal(left[0], START + 19);
  assert.ok(left.at(-1)! > START + 2);
});

test('store: while the disk is full all data waits, and is written once when there is room', async (t) => {
  const store = new Store(scratch(t));
  t.after(() => store.close());
  const fleet = new Fleet(store, 14 * DAY, START);
  const commit = store.commit.bind(store);
  store.commit = () => {
    throw new Error('database or disk is full');
  };
  for (let n = 0; n < 200; n += 1) {
    beat(fleet, START + n * MINUTE, n);
    assert.throws(() => fleet.commit(), /full/);
  }
  store.commit = commit;
  fleet.commit();
  const now = START + 201 * MINUTE;
  const all = Array.from({ length: 200 }, (_, n) => n);
  assert.deepEqual(await sequences(store, fleet, now), all);
  assert.deepEqual(await sequences(store, new Fleet(store, 14 * DAY, now), now), all);
});
