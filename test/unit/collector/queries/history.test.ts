/** A host's history is read in slices, in bounded memory, and thinned without losing a peak, while other requests are served. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { Refused } from '../../../../agent/collector/admission/body.ts';
import { Turns } from '../../../../agent/collector/admission/turns.ts';
import { Query } from '../../../../agent/collector/queries/query.ts';
import { Thinned, type ThinnedPoint } from '../../../../agent/collector/series/thinned.ts';
import { beat, fleetOf, START } from '../../../parts/collector-fleet.ts';

test('thinned points: few points stay as they are, and of many the peaks stay; no point is invented', () => {
  const values = fc.array(fc.integer({ min: -1_000, max: 1_000 }), { minLength: 1, maxLength: 700 });
  fc.assert(
    fc.property(values, fc.integer({ min: 2, max: 60 }), fc.integer({ min: 2, max: 60 }), (sent, most, later) => {
      const thinned = new Thinned(most);
      const points = sent.map((value, index): ThinnedPoint => [START + index, value]);
      for (const [index, [time, value]] of points.entries()) {
        thinned.add(time, value);
        if (index === 300) thinned.most = Math.min(most, later);
      }
      const left = thinned.all();
      assert.ok(left.length <= thinned.most);
      if (points.length <= thinned.most) assert.deepEqual(left, points);
      for (const [time, value] of left) assert.equal(value, sent[time - START]);
      const times = left.map(([time]) => time);
      assert.deepEqual(times, [...new Set(times)].toSorted());
      const extremes = [Math.min(...sent), Math.max(...sent)];
      if (thinned.most >= 4)
        assert.deepEqual([Math.min(...left.map(([, v]) => v)), Math.max(...left.map(([, v]) => v))], extremes);
    }),
  );
});

test('thinned points: the last point of one time counts, and late points are sorted in', () => {
  const thinned = new Thinned(10);
  for (const [time, value] of [
    [5, 1],
    [7, 2],
    [6, 3],
    [5, 4],
  ] as const)
    thinned.add(time, value);
  assert.deepEqual(thinned.all(), [
    [5, 4],
    [6, 3],
    [7, 2],
  ]);
});

/** A host with this many series of one metric. Each series changes with every heartbeat. */
function busy(t: TestContext, series: number, beats: number) {
  const made = fleetOf(t);
  for (let n = 1; n <= beats; n += 1) {
    const values = Array.from({ length: series }, (_, of) => ['load', n * 7 + of, { of }] as const);
    beat(made.fleet, { sequence: n, time: START + n * 1_000, values });
    made.fleet.commit();
  }
  const query = new Query(made.fleet, made.store, '0');
  const asked = (points: number) =>
    new URLSearchParams({ metric: 'load', from: `${START}`, to: `${START + beats * 1_000}`, points: `${points}` });
  return { ...made, query, asked, host: made.fleet.find('a')! };
}

test('history: reading a host with 1,900 series leaves the event loop free, and the answer is bounded', async (t) => {
  const { query, asked, host } = busy(t, 1_900, 120);
  let turns = 0;
  let under = true;
  const answer = query.series(host, asked(5_000)).finally(() => {
    under = false;
  });
  while (under) {
    await turn();
    turns += 1;
  }
  const { series, leftOut } = await answer;
  t.diagnostic(`${turns} turns`);
  assert.ok(turns > 5);
  assert.equal(series.length, 1_900);
  assert.equal(leftOut, 0);
  assert.ok(series.every(({ points }) => points.length > 20 && points.length <= 100_000 / 1_900));
  assert.deepEqual(
    series.map(({ attributes: { of }, points }) => points.at(-1)![1] - Number(of)),
    series.map(() => 840),
  );
});

test('history: an answer has 2,000 series at most, and says how many more there are', async (t) => {
  const { fleet, store } = fleetOf(t);
  for (let n = 1; n <= 5; n += 1) {
    const values = Array.from({ length: 500 }, (_, of) => ['load', n, { of: n * 500 + of }] as const);
    beat(fleet, { sequence: n, time: START + n * 1_000, values });
    fleet.commit();
  }
  const asked = new URLSearchParams({ metric: 'load', from: `${START}`, to: `${START + 9_000}` });
  const { series, leftOut } = await new Query(fleet, store, '0').series(fleet.find('a')!, asked);
  assert.deepEqual([series.length, leftOut], [2_000, 500]);
});

test('history: reading ends once the client is gone', async (t) => {
  const { query, asked, host } = busy(t, 1_000, 60);
  let asks = 0;
  await assert.rejects(
    query.series(host, asked(300), 'x', () => {
      asks += 1;
      return asks > 1;
    }),
    Refused,
  );
  assert.equal(asks, 2);
  assert.equal((await query.series(host, asked(300), 'x')).series.length, 1_000);
});

test("history: a sender's long requests run one after the other in a bounded queue, beside those of another sender", async () => {
  const turns = new Turns();
  const order: string[] = [];
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const work = (name: string, until: Promise<void>) => async () => {
    order.push(`${name} begins`);
    await until;
    order.push(`${name} ends`);
  };
  const here = () => false;
  const all = [turns.take('a', here, work('a1', held)), turns.take('a', here, work('a2', held))];
  await turns.take('b', here, work('b', Promise.resolve()));
  assert.deepEqual(order.toSorted(), ['a1 begins', 'b begins', 'b ends']);
  for (let n = 2; n < 64; n += 1) all.push(turns.take('a', here, async () => {}));
  await assert.rejects(
    turns.take('a', here, async () => {}),
    (error) => error instanceof Refused && error.status === 503,
  );
  release();
  await Promise.all(all);
  assert.deepEqual(order.slice(-3), ['a1 ends', 'a2 begins', 'a2 ends']);
  await turns.take('a', here, async () => {});
});
