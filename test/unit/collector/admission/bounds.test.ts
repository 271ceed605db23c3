/** No sender can take another's room or history. Unused room is given back. */
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { senderOf } from '../../../../agent/collector/admission/sender.ts';
import { waterLevel } from '../../../../agent/collector/admission/shares.ts';
import { type Decoder, take } from '../../../../agent/collector/fleet/intake.ts';
import { MOST_HOSTS } from '../../../../agent/collector/hosts/hosts.ts';
import { MOST_SERIES } from '../../../../agent/collector/series/series.ts';
import { retain } from '../../../../agent/collector/store/retention.ts';
import { MalformedRequest, type OtlpResource } from '../../../../agent/collector/wire/otlp.ts';
import { beat, DAY, fleetOf, resourceOf, rows, START, tell } from '../../../parts/collector-fleet.ts';
import { collector, eventually, heartbeat, send } from '../../../parts/collector-wire.ts';

const HOUR = 3_600_000;

for (const [what, signal, unit] of [
  ['records', 'logs', [0x12, 0]],
  ['resources with a scope', 'logs', null],
  ['metrics with an empty gauge', 'metrics', [0x12, 2, 0x2a, 0]],
] as const) {
  test(`collector bounds: a small body of millions of empty ${what} is refused, and no other sender waits for it`, async (t) => {
    const { url } = await collector(t);
    const unpacked =
      unit === null ? Buffer.alloc(15_000_000, Buffer.from([10, 2, 0x12, 0])) : inMessages(Buffer.from(unit));
    const body = new Uint8Array(gzipSync(unpacked));
    assert.ok(body.length < 40_000);
    const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip' };
    const bombs = [1, 2, 3].map(() => fetch(`${url}/v1/${signal}`, { method: 'POST', headers, body }));
    assert.equal((await send(url, heartbeat())).status, 200);
    assert.deepEqual(await Promise.all(bombs.map(async (bomb) => (await bomb).status)), [413, 413, 413]);
    assert.equal((await eventually(url, '/api/v1/hosts', ({ total }) => total === 1)).total, 1);
  });
}

/** 15 MB of a message in one scope of one resource. */
function inMessages(unit: Buffer): Buffer {
  const inner = Buffer.alloc(15_000_000 - (15_000_000 % unit.length), unit);
  const scope = Buffer.concat([tagged(2, inner.length), inner]);
  return Buffer.concat([tagged(1, scope.length), scope]);
}

function tagged(field: number, length: number): Buffer {
  const bytes = [(field << 3) | 2];
  for (let rest = length; ; rest >>>= 7) {
    bytes.push(rest < 128 ? rest : (rest & 127) | 128);
    if (rest < 128) return Buffer.from(bytes);
  }
}

test('collector bounds: a sender that makes the most hosts allowed keeps no new host out and drives no known host away', {
  timeout: 300_000,
}, (t) => {
  const made = fleetOf(t);
  const { fleet } = made;
  for (const n of [1, 2]) beat(fleet, { id: 'known', sequence: n, time: START + n, sender: 'honest' });
  tell(fleet, 'known', START + 3, {}, 'honest');
  const series = fleet.series.find('load', '1', '', () => ({}))!;
  const flood = (n: number, now: number) => {
    return fleet.beat(resourceOf(`flood-${n}`, 'x'), [{ series, time: now, value: 1 }], now, 'flooder');
  };
  for (let n = 0; n < MOST_HOSTS + 5_000; n += 1) assert.equal(flood(n, START + 10), 0);
  for (let n = 0; n < 50; n += 1)
    assert.equal(beat(fleet, { id: `new-${n}`, sequence: 1, time: START + 20, sender: `s${n}` }), 0);
  for (let n = 0; n < 50; n += 1)
    assert.equal(beat(fleet, { id: `new-${n}`, sequence: 2, time: START + 30, sender: `s${n}` }), 0);
  for (let n = 0; n < 5_000; n += 1) flood(MOST_HOSTS * 2 + n, START + 40);
  // Also one that has the same address as the flooder.
  for (const sequence of [1, 2])
    assert.equal(beat(fleet, { id: 'beside', sequence, time: START + 50 + sequence, sender: 'flooder' }), 0);
  for (let n = 0; n < 5_000; n += 1) flood(MOST_HOSTS * 3 + n, START + 60);
  for (const id of ['known', 'beside', 'new-0', 'new-49']) assert.notEqual(fleet.find(id), undefined, id);
  fleet.commit();
  assert.equal(made.store.events.before(fleet.find('known')!.id, START + DAY, 10).length, 1);
  assert.ok([...fleet.rows.all()].length <= MOST_HOSTS);
});

test('collector bounds: a sender that makes the most series allowed takes none from the others', {
  timeout: 300_000,
}, (t) => {
  const { fleet } = fleetOf(t);
  const own = (n: number) => [['own', 1, { n }] as const];
  for (const n of [1, 2]) beat(fleet, { id: 'known', sequence: n, time: START + n, sender: 'honest', values: own(0) });
  for (let host = 0; host < 560; host += 1) {
    const values = Array.from({ length: 1_900 }, (_, n) => ['flood', n, { host, n }] as const);
    beat(fleet, { id: `flood-${host}`, sequence: 1, time: START + 5, sender: 'flooder', values });
  }
  assert.ok(fleet.series.size > MOST_SERIES / 2 && fleet.series.size <= MOST_SERIES);
  assert.equal(beat(fleet, { id: 'new', sequence: 1, time: START + 9, sender: 'other', values: own(1) }), 0);
  assert.deepEqual(
    [...rows(fleet, START + 10).keys()].filter((id) => !id.startsWith('flood')),
    ['known', 'new'],
  );
});

test('collector bounds: a host that sends new series each time is bounded, and so is the memory of its old series', (t) => {
  const { fleet } = fleetOf(t);
  for (let n = 0; n < 2_000; n += 1) {
    const values = Array.from({ length: 50 }, (_, k) => ['churn', 1, { k: n * 50 + k }] as const);
    beat(fleet, { sequence: n + 1, time: START + n * 30_000, values });
    if (n % 100 === 0) fleet.upkeep.tidy(START + n * 30_000);
  }
  fleet.upkeep.tidy(START + 2_000 * 30_000 + HOUR);
  assert.ok(fleet.series.size < 12_000, `${fleet.series.size}`);
});

test('collector bounds: a series that returns after a long time is one line of the chart again', async (t) => {
  const made = fleetOf(t);
  const { fleet } = made;
  const values = (value: number) => [['load', value, { of: 'x' }] as const];
  beat(fleet, { sequence: 1, time: START, values: values(1) });
  beat(fleet, { sequence: 2, time: START + 60_000 });
  fleet.commit();
  fleet.upkeep.tidy(START + 5 * HOUR);
  beat(fleet, { sequence: 3, time: START + 5 * HOUR, values: values(2) });
  fleet.commit();
  const { Query } = await import('../../../../agent/collector/queries/query.ts');
  const asked = new URLSearchParams({ metric: 'load', from: `${START}`, to: `${START + 6 * HOUR}` });
  const { series } = await new Query(fleet, made.store, '0').series(fleet.find('a')!, asked);
  assert.deepEqual(
    series.map(({ points }) => points.map(([, value]) => value)),
    [[1, 2]],
  );
});

test('collector bounds: a store above its size deletes the oldest heartbeats, and no events', async (t) => {
  const { fleet, store } = fleetOf(t);
  for (let n = 0; n < 4_000; n += 1) {
    const now = START + n * 30_000;
    for (const id of ['a', 'b'])
      beat(fleet, {
        id,
        sequence: n + 1,
        time: now,
        values: [
          ['load', Math.random()],
          ['x', Math.random()],
        ],
      });
    if (n % 40 === 0) for (const id of ['a', 'b']) tell(fleet, id, now);
    if (n % 100 === 0) fleet.upkeep.tidy(now);
  }
  const now = START + 4_000 * 30_000;
  fleet.upkeep.tidy(now);
  const size = store.size();
  await retain(store, { keep: 14 * DAY, maxSize: size * 0.7 }, now, () => false);
  assert.ok(store.size() <= size * 0.7);
  for (const id of ['a', 'b']) {
    const host = fleet.find(id)!.id;
    assert.equal(store.events.before(host, Number.MAX_SAFE_INTEGER, 1_000).length, 100);
    const chunks = store.chunkNumbers(host, 0, now).map((number) => store.chunk(number)!);
    assert.ok(chunks.length > 10);
    assert.ok(chunks[0]!.from > START + 500 * 30_000, 'the oldest are gone');
    assert.ok(chunks.at(-1)!.to > now - 100 * 30_000, 'the newest are there');
  }
});

test('collector bounds: a sender that fills the disk loses its own history, and no other sender loses any', async (t) => {
  const { fleet, store } = fleetOf(t);
  for (let n = 0; n < 200; n += 1) {
    beat(fleet, {
      id: 'a',
      sequence: n + 1,
      time: START + n * 30_000,
      sender: 'honest',
      values: [['load', Math.random()]],
    });
    tell(fleet, 'a', START + n * 30_000, {}, 'honest');
  }
  fleet.upkeep.closeOld(START + DAY);
  fleet.upkeep.tidy(START + DAY);
  const [chunks, events] = [store.chunkNumbers(0, 0, START + DAY).length, 200];
  for (let host = 0; host < 20; host += 1) {
    for (let n = 0; n < 100; n += 1) tell(fleet, `h${host}`, START + DAY + n, { body: 'x'.repeat(5_000) }, 'hostile');
    fleet.commit();
  }
  await retain(store, { keep: 14 * DAY, maxSize: store.size() / 4 }, START + DAY, () => false);
  assert.equal(store.events.before(0, Number.MAX_SAFE_INTEGER, 1_000).length, events);
  assert.equal(store.chunkNumbers(0, 0, START + DAY).length, chunks);
});

test('shares: small needs are met in full, and the others get equal parts', () => {
  assert.equal(waterLevel([1, 2, 3], 6), Number.POSITIVE_INFINITY);
  assert.equal(waterLevel([1, 10, 10], 11), 5);
  assert.equal(waterLevel([8, 8], 4), 2);
  assert.equal(waterLevel([], 4), Number.POSITIVE_INFINITY);
});

test('collector bounds: a sender is known by its token and address, with IPv6 by its network', () => {
  const of = (remoteAddress: string, authorization?: string) =>
    senderOf({ socket: { remoteAddress }, headers: { authorization } } as unknown as IncomingMessage);
  assert.equal(of('::ffff:192.0.2.7'), '192.0.2.7');
  assert.equal(of('2001:db8:1:2:3:4:5:6'), of('2001:db8:1:2::9'));
  assert.notEqual(of('2001:db8:1:2::9'), of('2001:db8:1:3::9'));
  assert.equal(of('fe80::1%eth0'), 'fe80::/64');
  assert.notEqual(of('192.0.2.7', 'Bearer a'), of('192.0.2.7', 'Bearer b'));
  assert.equal(of('192.0.2.7', 'Bearer secret').includes('secret'), false);
});

test('collector bounds: a refused request gives its series back, so the next new host gets all of its own', {
  timeout: 300_000,
}, (t) => {
  const { fleet } = fleetOf(t);
  const decoder = (resource: OtlpResource, from: number, count: number): Decoder => ({
    readLogs: () => ({ resources: [], rejected: 0, reasons: [] }),
    readMetrics: (_body, index) => {
      const found = Array.from({ length: count }, (_, n) =>
        index.find('m', '1', `${from + n}`, () => ({ n: from + n })),
      );
      const points = found.flatMap((series) => (series === null ? [] : [{ series, time: START, value: 1 }]));
      return { resources: [{ resource, points }], rejected: count - points.length, reasons: [] };
    },
  });
  const unreadable = {
    key: '\0',
    read: () => {
      throw new MalformedRequest('a resource of 99999 bytes');
    },
  };
  const body = Buffer.alloc(0);
  for (let from = 0; from < 1.2 * MOST_SERIES; from += 240_000) {
    const sent = decoder(unreadable, from, 240_000);
    assert.throws(() => take(fleet, sent, 'metrics', body, { sender: 'flooder', now: START }), MalformedRequest);
  }
  const honest = decoder(resourceOf('new', 'new'), 10 * MOST_SERIES, 1_000);
  assert.equal(take(fleet, honest, 'metrics', body, { sender: 'honest', now: START + 1 }).rejected, 0);
});
