/** A host is silent by its own interval, and forgotten when its history ends. The collector's own trouble makes no host silent. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Store } from '../../../../agent/collector/store/store.ts';
import { beat, codes, DAY, fleetOf, rows, START, tell } from '../../../parts/collector-fleet.ts';
import { collector, get, heartbeat, send } from '../../../parts/collector-wire.ts';

const MINUTE = 60_000;

test('presence: from its first heartbeat on, a host is silent by the interval that this heartbeat gives', (t) => {
  const { fleet } = fleetOf(t);
  const resource = { 'holdfast.report.interval': 600 };
  beat(fleet, { sequence: 1, time: START, resource });
  assert.deepEqual(codes(rows(fleet, START + 29 * MINUTE).get('a')), []);
  assert.deepEqual(codes(rows(fleet, START + 31 * MINUTE).get('a')), ['silent']);
});

test('presence: a restart of agent or collector between two heartbeats makes no host silent', (t) => {
  const made = fleetOf(t);
  let { fleet } = made;
  let now = START;
  const at = (milliseconds: number) => {
    now += milliseconds;
    return now;
  };
  for (let n = 1; n <= 5; n += 1) beat(fleet, { sequence: n, time: at(30_000) });
  // The first heartbeat of an agent comes at its start, and the next one at its place in the interval.
  beat(fleet, { start: START + 1, sequence: 1, time: at(28_000) });
  beat(fleet, { start: START + 1, sequence: 2, time: at(2_000) });
  assert.deepEqual(codes(rows(fleet, at(29_000)).get('a')), []);
  fleet.commit();
  fleet = made.again(at(DAY / 24));
  assert.deepEqual(codes(rows(fleet, at(80_000)).get('a')), []);
  assert.deepEqual(codes(rows(fleet, at(20_000)).get('a')), ['silent']);
});

test('presence: a longer interval counts at once, and a shorter one once it has lasted', (t) => {
  const { fleet } = fleetOf(t);
  let time = START;
  for (const [n, interval] of [30, 30, 1200, 1200, 30, 30, 30].entries()) {
    time += interval * 1000;
    beat(fleet, { sequence: n + 1, time });
    if (n === 3) assert.deepEqual(codes(rows(fleet, time + 50 * MINUTE).get('a')), []);
  }
  assert.deepEqual(codes(rows(fleet, time + 2 * MINUTE).get('a')), ['silent']);
});

test('presence: missed heartbeats are counted by their numbers, at most as many as there was time for', (t) => {
  const { fleet } = fleetOf(t);
  const resource = { 'holdfast.report.interval': 30 };
  let now = START;
  const missed = (sequence: number, after: number, start = START) => {
    const before = fleet.counters.missed;
    now += after;
    beat(fleet, { sequence, start, time: now, resource });
    return fleet.counters.missed - before;
  };
  assert.deepEqual([missed(1, 0), missed(2, 30_000), missed(3, 29_000)], [0, 0, 0]);
  assert.equal(missed(5, 61_000), 1);
  // Heartbeats that waited for an hour come at once, and ten in their middle were lost.
  assert.equal(missed(6, 3_600_000), 0);
  for (let sequence = 7; sequence < 60; sequence += 1) assert.equal(missed(sequence, 5), 0);
  assert.equal(missed(70, 5), 10);
  for (let sequence = 71; sequence <= 125; sequence += 1) missed(sequence, 5);
  // Any number may be sent, as often as one likes.
  const [counted, began] = [fleet.counters.missed, now];
  for (let n = 1; n <= 200; n += 1) missed(n * 1e13, 1_000);
  for (let n = 1; n <= 200; n += 1) missed(n % 2 === 0 ? 1e15 : 1, 1_000, START + n);
  assert.ok(fleet.counters.missed - counted <= (now - began) / 30_000 + 1, `${fleet.counters.missed - counted}`);
});

test('presence: a host that sends only events is never silent', (t) => {
  const { fleet } = fleetOf(t);
  tell(fleet, 'a', START);
  const row = rows(fleet, START + DAY).get('a')!;
  assert.deepEqual([codes(row), row.silent, row.lastSeen], [[], false, START]);
});

test('presence: a restart keeps when a host was last seen, however little of its history is left', (t) => {
  const made = fleetOf(t);
  beat(made.fleet, { id: 'dead', sequence: 1, time: START });
  tell(made.fleet, 'told', START + 5);
  made.fleet.commit();
  made.fleet.upkeep.closeOld(START + 40 * MINUTE);
  made.fleet.upkeep.tidy(START + 40 * MINUTE);
  const later = START + 10 * DAY;
  const fleet = made.again(later);
  assert.equal(rows(fleet, later).get('dead')?.lastSeen, START);
  assert.equal(rows(fleet, later).get('told')?.lastSeen, START + 5);
});

test('presence: a host that is silent longer than history is kept goes, with its rows and its series', async (t) => {
  const made = fleetOf(t);
  const values = [['load', 1, { of: 'dead' }] as const];
  beat(made.fleet, { id: 'dead', sequence: 1, time: START, values });
  tell(made.fleet, 'dead', START);
  made.fleet.commit();
  const later = START + 60 * DAY;
  const fleet = made.again(later);
  beat(fleet, { id: 'alive', sequence: 1, time: later });
  fleet.upkeep.tidy(later);
  assert.deepEqual([...rows(fleet, later).keys()], ['alive']);
  fleet.upkeep.tidy(later + 2 * 60 * MINUTE);
  assert.equal(fleet.series.size, 1);
  const again = made.again(later + 3 * 60 * MINUTE);
  assert.deepEqual([...rows(again, later).keys()], ['alive']);
  assert.equal(again.series.size, 1);
  // No other host gets its number, or that host would inherit its history.
  beat(again, { id: 'new', sequence: 1, time: later + 4 * 60 * MINUTE });
  assert.equal(again.find('new')?.id, 2);
});

test('presence: a full disk comes first in the summary and in /healthz, and makes no host silent', async (t) => {
  const commit = Store.prototype.commit;
  t.after(() => {
    Store.prototype.commit = commit;
  });
  const { url } = await collector(t);
  const now = Date.now();
  await send(url, heartbeat({ time: now - 1_000 }));
  await send(url, heartbeat({ time: now, sequence: 2 }));
  Store.prototype.commit = () => {
    throw new Error('database or disk is full');
  };
  const deadline = Date.now() + 5_000;
  let statuses = new Set<number>();
  while (Date.now() < deadline) {
    statuses = statuses.add((await send(url, heartbeat({ sequence: 3 }))).status);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.ok(statuses.has(503));
  const { hosts } = await get(url, '/api/v1/hosts');
  assert.equal(hosts[0].silent, false);
  // A page that is open learns of it, though no host changes.
  const stream = await fetch(`${url}/api/v1/stream`);
  const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
  const told = await reader.read();
  assert.match(told.value!, /"trouble":\[\{"code":"disk"/);
  const summary = await get(url, '/api/v1/summary');
  assert.match(summary.trouble[0].text, /can be stored.*database or disk is full/);
  const health = await fetch(`${url}/healthz`);
  assert.equal(health.status, 503);
  assert.equal(((await health.json()) as { status: string }).status, 'trouble');
  Store.prototype.commit = commit;
  while ((await send(url, heartbeat({ sequence: 4 }))).status !== 200)
    await new Promise((resolve) => setTimeout(resolve, 100));
  for (let text = ''; !text.includes('"trouble":[]'); ) text += (await reader.read()).value;
  await reader.cancel();
  assert.deepEqual(await get(url, '/healthz'), { status: 'ok', version: '0', trouble: [] });
});
