/** The order of a name's addresses from one measurement to the next: clear and lasting differences change it, noise does not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AddressPlace, FORGIVEN_AFTER, FORGOTTEN_AFTER, ROUNDS, reorder } from '../../../agent/nearest/order.ts';
import { accepted } from '../../parts/accepted.ts';

type Times = Record<string, number | null>;

function round(
  before: readonly AddressPlace[],
  times: Times,
  named: readonly string[] = Object.keys(times),
): AddressPlace[] {
  return reorder(before, accepted(new Map(Object.entries(times))), accepted(new Set(named)));
}

/** The orders after each of these measurements. */
function orders(...rounds: Times[]): string[] {
  let places: AddressPlace[] = [];
  return rounds.map((times) => {
    places = round(places, times);
    return places.map(({ address }) => address).join('');
  });
}

test('nearest order: the first measurement is taken as it is, who does not answer last', () => {
  assert.deepEqual(orders({ a: 30, b: null, c: 10, d: 20 }), ['cdab']);
});

test('nearest order: a nearer one comes first at the third time running, and not where one time was not clear', () => {
  const [far, near] = [
    { a: 10, b: 20 },
    { a: 10, b: 7.9 },
  ];
  assert.deepEqual(orders(far, near, near, near, near), ['ab', 'ab', 'ab', 'ba', 'ba']);
  assert.deepEqual(orders(far, near, near, { a: 10, b: 8.1 }, near, near, near), [
    ...'ab '.repeat(6).split(' ').slice(0, 6),
    'ba',
  ]);
});

test('nearest order: a fifth is not enough without a millisecond, nor a millisecond without a fifth', () => {
  const slight = { a: 1, b: 0.1 };
  assert.deepEqual(new Set(orders({ a: 0.1, b: 1 }, slight, slight, slight, slight)), new Set(['ab']));
  const small = { a: 100, b: 81 };
  assert.deepEqual(new Set(orders({ a: 10, b: 20 }, small, small, small, small)), new Set(['ab']));
  const both = { a: 5, b: 4 };
  assert.equal(orders({ a: 10, b: 20 }, both, both, both).at(-1), 'ba');
});

test('nearest order: who does not answer goes behind at once, and comes back as any other does', () => {
  const all = { a: 10, b: 20, c: 30 };
  assert.deepEqual(orders(all, { ...all, a: null }, all, all, all), ['abc', 'bca', 'bca', 'bca', 'abc']);
});

test('nearest order: each return after a silence takes twice the rounds; long steadiness is rewarded', () => {
  const all = { a: 10, b: 20 };
  const silent = { ...all, a: null };
  /** Rounds until `a` is first again. */
  const back = (places: AddressPlace[]): [number, AddressPlace[]] => {
    let now = round(places, silent);
    for (let n = 1; n < 1_000; n += 1) {
      now = round(now, all);
      if (now[0]!.address === 'a') return [n, now];
    }
    return [Number.POSITIVE_INFINITY, now];
  };
  let places = round([], all);
  const took: number[] = [];
  for (let n = 0; n < 8; n += 1) {
    const [rounds, then] = back(places);
    took.push(rounds);
    places = then;
  }
  assert.deepEqual(took, [3, 6, 12, 24, 48, 96, 96, 96]);
  for (let n = 0; n < FORGIVEN_AFTER; n += 1) places = round(places, all);
  assert.equal(back(places)[0], 3);
});

test('nearest order: one that is silent in 60 % of the measurements hardly changes the order', () => {
  let seed = 7;
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed / 2 ** 31;
  };
  let places = round([], { a: 1, b: 20, c: 30 });
  let changes = 0;
  for (let n = 0; n < 2_000; n += 1) {
    const before = places.map(({ address }) => address).join();
    places = round(places, { a: random() < 0.6 ? null : 1, b: 20, c: 30 });
    if (places.map(({ address }) => address).join() !== before) changes += 1;
  }
  assert.ok(changes <= 8, `${changes} changes in 2000 measurements`);
});

test('nearest order: several that are nearer by turns overtake all the same, the nearest of them first', () => {
  const start = { a: 10, b: 20, c: 20 };
  const by = (b: number, c: number) => ({ a: 10, b, c });
  assert.deepEqual(orders(start, by(6, 7), by(7, 6), by(7, 6)), ['abc', 'abc', 'abc', 'cba']);
});

test('an address that the name has no longer is kept for a while: some servers give others each time', () => {
  let places = round([], { a: 10, b: 20 });
  for (let n = 1; n < FORGOTTEN_AFTER; n += 1) places = round(places, { a: 10, b: 20 }, ['b']);
  assert.deepEqual(
    places.map(({ address }) => address),
    ['a', 'b'],
  );
  assert.deepEqual(round(places, { a: 10, b: 20 }, ['a', 'b'])[0]?.absent, 0);
  assert.deepEqual(
    round(places, { a: 10, b: 20 }, ['b']).map(({ address }) => address),
    ['b'],
  );
});

const ADDRESSES = ['a', 'b', 'c', 'd', 'e'] as const;

/** Measurements in which each address has its own distance and is at most a fifth quicker than at its slowest. */
const noisy = fc
  .record({
    distance: fc.array(fc.double({ min: 0.05, max: 300, noNaN: true }), { minLength: 2, maxLength: ADDRESSES.length }),
    noise: fc.array(fc.array(fc.double({ min: 0.8001, max: 1, noNaN: true }), { minLength: 5, maxLength: 5 }), {
      minLength: 2,
      maxLength: 60,
    }),
  })
  .map(({ distance, noise }) =>
    noise.map((factors) => Object.fromEntries(distance.map((one, i) => [ADDRESSES[i], one * (factors[i] as number)]))),
  );

test('noise of less than a fifth: whoever was overtaken never comes back', () => {
  fc.assert(
    fc.property(noisy, (rounds) => {
      const seen = orders(...(rounds as Times[]));
      const changes = seen.filter((order, i) => i > 0 && order !== seen[i - 1]);
      assert.equal(new Set([seen[0], ...changes]).size, changes.length + 1, seen.join(' '));
    }),
    { numRuns: 300 },
  );
});

test('whatever is measured: the first place changes only for one that was clearly nearer three times running', () => {
  const time = fc.option(fc.double({ min: 0.01, max: 500, noNaN: true }), { nil: null, freq: 6 });
  const times = fc.record(
    Object.fromEntries(ADDRESSES.map((address) => [address, time])) as Record<string, typeof time>,
  );
  fc.assert(
    fc.property(fc.array(times, { minLength: 1, maxLength: 30 }), (rounds) => {
      const good = rounds.filter((one) => Object.values(one).some((value) => value !== null));
      const seen = orders(...good);
      for (const [i, order] of seen.entries()) {
        const [now, before] = [order[0] as string, seen[i - 1]?.[0]];
        assert.notEqual(good[i]?.[now], null);
        if (before === undefined || now === before || good[i]?.[before] === null) continue;
        const last = good.slice(i - ROUNDS + 1, i + 1);
        assert.equal(last.length, ROUNDS);
        for (const one of last) {
          const [a, b] = [one[before] as number, one[now] as number];
          assert.ok(a !== null && b !== null && b <= 0.8 * a && a - b >= 1, JSON.stringify({ last, order }));
        }
      }
    }),
    { numRuns: 300 },
  );
});
