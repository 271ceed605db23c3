/** Values go by arrival, whatever the clocks of hosts and of the collector say; a wrong clock is shown. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Clock, votesOf } from '../../../../agent/collector/hosts/clock.ts';
import { retain } from '../../../../agent/collector/store/retention.ts';
import { beat, codes, DAY, fleetOf, rows, START, tell } from '../../../parts/collector-fleet.ts';

const HOUR = 3_600_000;
const INTERVAL = 30_000;
const state = (value: string) => [
  ['holdfast.setting.state', 1, { setting: 'dns', moment: 'now', state: value }] as const,
];

for (const [name, by] of [
  ['back by 3 h', -3 * HOUR],
  ['back by a year', -365 * DAY],
  ['ahead by 2 h', 2 * HOUR],
  ['ahead by 20 years', 20 * 365 * DAY],
] as const) {
  test(`clocks: a host whose clock is set ${name} has its last values in its row, and its clock is reported`, (t) => {
    const { fleet } = fleetOf(t);
    const now = (n: number) => START + n * INTERVAL;
    for (let n = 1; n <= 3; n += 1) beat(fleet, { sequence: n, time: now(n), values: state('ok') });
    for (let n = 4; n <= 6; n += 1)
      beat(fleet, { sequence: n, time: now(n) + by, now: now(n), values: state('drifted') });
    const row = rows(fleet, now(6)).get('a')!;
    assert.deepEqual(codes(row).sort(), ['clock', 'drifted']);
    const text = row.attention.find(({ code }) => code === 'clock')!.text;
    assert.match(text, by > 0 ? /ahead of the collector's/ : /behind the collector's/);
    beat(fleet, { sequence: 7, time: now(7), values: state('ok') });
    assert.deepEqual(codes(rows(fleet, now(7)).get('a')), []);
  });
}

test('clocks: an agent that restarts after its clock was set back counts as late for one heartbeat at most', (t) => {
  const { fleet } = fleetOf(t);
  beat(fleet, { start: START, sequence: 500, time: START + HOUR, values: state('ok') });
  for (let n = 1; n <= 2; n += 1) {
    const time = START - 2 * HOUR + n * INTERVAL;
    beat(fleet, {
      start: START - 2 * HOUR,
      sequence: n,
      time,
      now: START + HOUR + n * INTERVAL,
      values: state('drifted'),
    });
  }
  const all = rows(fleet, START + HOUR + 2 * INTERVAL);
  assert.equal(all.size, 1);
  assert.ok(codes(all.get('a')).includes('drifted'));
});

test('clocks: heartbeats that waited on disk show no wrong clock, and late ones replace no newer ones', (t) => {
  const { fleet } = fleetOf(t);
  const now = START + 3 * HOUR;
  for (let n = 1; n <= 300; n += 1)
    beat(fleet, { sequence: n, time: START + n * INTERVAL, now: now + n, values: state('drifted') });
  beat(fleet, { sequence: 360, time: now + 300, values: state('ok') });
  for (const n of [320, 310])
    beat(fleet, { sequence: n, time: START + n * INTERVAL, now: now + 400, values: state('drifted') });
  assert.deepEqual(codes(rows(fleet, now + 500).get('a')), []);
});

test('clocks: a collector whose clock was years ahead takes new heartbeats and keeps its history', async (t) => {
  const made = fleetOf(t);
  beat(made.fleet, { sequence: 1, time: START, values: state('ok') });
  tell(made.fleet, 'a', START);
  made.fleet.commit();
  made.fleet.upkeep.closeOld(START + HOUR);
  made.fleet.commit();
  const ahead = START + 4 * 365 * DAY;
  const wrong = made.again(ahead);
  beat(wrong, { sequence: 2, time: START + INTERVAL, now: ahead, values: state('ok') });
  tell(wrong, 'a', ahead);
  wrong.commit();
  const now = START + 2 * INTERVAL;
  const fleet = made.again(now);
  assert.ok(fleet.find('a')!.seen <= now);
  beat(fleet, { sequence: 3, time: now, values: state('drifted') });
  tell(fleet, 'a', now);
  fleet.commit();
  assert.deepEqual(codes(rows(fleet, now).get('a')), ['drifted']);
  await retain(made.store, { keep: 14 * DAY, maxSize: 2 ** 40 }, now, () => false);
  assert.equal(made.store.events.before(0, Number.MAX_SAFE_INTEGER, 10).length, 3);
  // Data from the time of the wrong clock go together with the data after them.
  await retain(made.store, { keep: 14 * DAY, maxSize: 2 ** 40 }, now + 15 * DAY, () => false);
  assert.equal(made.store.events.before(0, Number.MAX_SAFE_INTEGER, 10).length, 0);
});

test('clocks: the collector notices that its clock was set, and forgets history slowly until hosts agree with that clock', () => {
  const clock = new Clock(START, 0, START - HOUR);
  assert.equal(clock.look(START + 250, 250), 0);
  assert.equal(clock.believed, START + 250);
  assert.equal(clock.look(START + 1_000 + DAY, 1_000), DAY);
  assert.ok(clock.believed < START + HOUR);
  assert.match(clock.hear({ agree: 1, differ: 9, ahead: -DAY })!, /24 h ahead of those of most hosts/);
  assert.ok(clock.believed < START + HOUR);
  assert.equal(clock.hear({ agree: 9, differ: 1, ahead: -DAY }), null);
  assert.equal(clock.believed, START + 1_000 + DAY);
  // Off for longer than a collector ever is: its clock is doubted until a host agrees.
  assert.equal(new Clock(START, 0, START - 900 * DAY).believed, START - 900 * DAY);
  assert.equal(new Clock(START, 0, null).believed, START);
});

test("clocks: hosts whose clocks disagree with each other raise no doubt about the collector's clock", (t) => {
  const { fleet } = fleetOf(t);
  for (let n = 1; n <= 9; n += 1) beat(fleet, { id: `h${n}`, sequence: 1, time: START + n * DAY, now: START });
  assert.equal(new Clock(START, 0, null).hear(votesOf(fleet.hosts, START)), null);
  for (let n = 1; n <= 30; n += 1) beat(fleet, { id: `g${n}`, sequence: 1, time: START + 5 * DAY, now: START });
  assert.match(new Clock(START, 0, null).hear(votesOf(fleet.hosts, START))!, /5 days behind those of most hosts/);
});

test("clocks: setting the collector's clock by a day makes no host silent, and a host that stops afterwards is silent", (t) => {
  for (const by of [DAY, -DAY]) {
    const { fleet } = fleetOf(t);
    for (let n = 1; n <= 2; n += 1) beat(fleet, { sequence: n, time: START + n * INTERVAL });
    assert.deepEqual(codes(rows(fleet, START + 3 * INTERVAL).get('a')), []);
    fleet.upkeep.shift(by);
    assert.deepEqual(codes(rows(fleet, START + by + 4 * INTERVAL).get('a')), []);
    assert.ok(codes(rows(fleet, START + by + 6 * INTERVAL).get('a')).includes('silent'));
  }
});
