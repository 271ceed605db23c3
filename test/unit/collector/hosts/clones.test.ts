/** Hosts with one machine-id are told apart without invented values. A restart or a new name of one host makes no clone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beat, codes, fleetOf, rows, START } from '../../../parts/collector-fleet.ts';

const INTERVAL = 30_000;
const errors = (value: number) => [['holdfast.memory_errors', value, { cause: 'x' }] as const];

for (const [what, names] of [
  ['names of their own', ['web-1', 'web-2', 'web-3']],
  ['one name', ['debian', 'debian', 'debian']],
] as const) {
  test(`clones: copies with ${what} are one host each, are reported, and keep their counters apart`, (t) => {
    const { fleet } = fleetOf(t);
    const starts = [START - 9_000, START - 80_000, START - 500];
    for (let n = 1; n <= 6; n += 1) {
      for (const [index, name] of names.entries()) {
        // All beat in the same millisecond: their phase comes from their id.
        const time = START + n * INTERVAL;
        beat(fleet, { name, start: starts[index]!, sequence: n + 10 * index, time, values: errors(7 * (2 - index)) });
      }
    }
    const now = START + 6 * INTERVAL;
    const all = [...rows(fleet, now).values()];
    assert.deepEqual(all.map(({ name }) => name).sort(), [...names].sort());
    for (const row of all) {
      assert.deepEqual(codes(row), ['duplicate-id']);
      assert.match(row.attention[0]!.text, /2 other hosts reported with its host\.id .*machine-id of its own/);
      assert.equal(row.memoryErrors, 0);
    }
  });
}

test('clones: a clone that dies is silent, also after a restart of the collector; the others are no clones after an hour', (t) => {
  const made = fleetOf(t);
  const both = (fleet: typeof made.fleet, n: number, which: readonly string[]) => {
    for (const name of which) {
      beat(fleet, { name, start: START - name.length, sequence: n, time: START + n * INTERVAL });
    }
  };
  for (let n = 1; n <= 4; n += 1) both(made.fleet, n, ['long-name', 'short']);
  made.fleet.commit();
  const fleet = made.again(START + 5 * INTERVAL);
  for (let n = 5; n <= 130; n += 1) both(fleet, n, ['long-name']);
  const all = rows(fleet, START + 130 * INTERVAL);
  assert.equal(all.size, 2);
  for (const row of all.values()) assert.deepEqual(codes(row), row.name === 'short' ? ['silent', 'duplicate-id'] : []);
});

test('clones: an agent that starts again, and a host that gets another name, stay one host', (t) => {
  const { fleet } = fleetOf(t);
  let time = START;
  for (const [start, name] of [
    [1, 'old'],
    [2, 'old'],
    [2, 'new'],
    [3, 'new'],
    [4, 'newest'],
  ] as const) {
    for (let n = 1; n <= 3; n += 1) {
      time += INTERVAL;
      beat(fleet, { name, start: START + start, sequence: n + (name === 'new' ? 10 : 0), time, values: errors(0) });
    }
  }
  const all = [...rows(fleet, time).values()];
  assert.deepEqual(
    all.map(({ name }) => name),
    ['newest'],
  );
  assert.deepEqual(codes(all[0]), []);
});

test('clones: two copies of a running machine, with one start and one name, are told apart by repeated sequence numbers', (t) => {
  const { fleet } = fleetOf(t);
  for (let n = 100; n <= 105; n += 1) {
    for (const late of [0, 400]) {
      const time = START + n * INTERVAL + late;
      beat(fleet, { sequence: n, time, values: [...errors(late), ['load', n + late]] });
    }
  }
  const [row] = rows(fleet, START + 105 * INTERVAL).values();
  assert.deepEqual(codes(row), ['duplicate-id']);
  assert.equal(row!.memoryErrors, 0);
});

test('clones: 300 clones of one image are 300 hosts', (t) => {
  const { fleet } = fleetOf(t);
  for (let n = 1; n <= 3; n += 1) {
    for (let clone = 0; clone < 300; clone += 1) {
      beat(fleet, { name: 'image', start: START + clone, sequence: n, time: START + n * INTERVAL + clone });
    }
  }
  assert.equal(rows(fleet, START + 4 * INTERVAL).size, 300);
});

test('clones: memory errors of an agent that has just started count, and those from before the collector knew it do not', (t) => {
  const { fleet } = fleetOf(t);
  const time = (n: number) => START + n * INTERVAL;
  beat(fleet, { sequence: 5, time: time(1), values: errors(40) });
  beat(fleet, { sequence: 6, time: time(2), values: errors(42) });
  beat(fleet, { start: time(3), sequence: 1, time: time(3), values: errors(3) });
  assert.equal(rows(fleet, time(3)).get('a')?.memoryErrors, 5);
});
