/** The highest values since the boot: kept over restarts of the agent, and begun anew with each boot. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Host } from '../../../agent/host/host.ts';
import { Peaks } from '../../../probes/peaks.ts';
import { type Reading, sample } from '../../../probes/probe.ts';
import { scratch } from '../../parts/scratch.ts';

const METRIC = 'system.network.route.count';
const FILE = `run/holdfast/peaks-${METRIC}`;
const routes = (ipv4: number, ipv6: number) => [
  sample(METRIC, ipv4, { 'network.type': 'ipv4' }),
  sample(METRIC, ipv6, { 'network.type': 'ipv6' }),
  sample('system.network.route.growth', 1, { 'network.type': 'ipv4' }),
];
/** The peaks, each as family, value and time. */
const peaksIn = (readings: readonly Reading[]) =>
  readings.flatMap((reading) =>
    reading.kind === 'sample' && reading.metric.startsWith(`${METRIC}.max`)
      ? [`${reading.attributes['network.type']} ${reading.metric.endsWith('time') ? 'at ' : ''}${reading.value}`]
      : [],
  );

test('peaks: the highest value of each series and its time, over restarts of the agent', (t) => {
  const host = new Host({ root: scratch(t) });
  const start = (clock: () => number) => new Peaks(host, METRIC, { keep: true, clock });
  const first = start(() => 5_000);
  assert.equal(first.with(routes(10, 3)).filter((reading) => !('metric' in reading)).length, 0);
  const second = start(() => 9_000);
  assert.deepEqual(peaksIn(second.with(routes(7, 4))), ['ipv4 10', 'ipv4 at 5', 'ipv6 4', 'ipv6 at 9']);
  assert.deepEqual(peaksIn(second.with([])), ['ipv4 10', 'ipv4 at 5', 'ipv6 4', 'ipv6 at 9'], 'a table that is gone');
});

test('peaks: a new boot begins anew, also where /run outlives it', (t) => {
  const root = scratch(t);
  const host = new Host({ root });
  new Peaks(host, METRIC, { keep: true }).with(routes(10, 3));
  rmSync(join(root, 'run/holdfast/boot'));
  const next = new Peaks(host, METRIC, { keep: true, clock: () => 7_000 });
  assert.deepEqual(peaksIn(next.with(routes(2, 1))), ['ipv4 2', 'ipv4 at 7', 'ipv6 1', 'ipv6 at 7']);
});

test('peaks: a single look shows the peaks of the daemon, and writes nothing', (t) => {
  const host = new Host({ root: scratch(t) });
  const look = (ipv4: number) =>
    peaksIn(new Peaks(host, METRIC, { keep: false, clock: () => 8_000 }).with(routes(ipv4, 1)));
  assert.deepEqual(look(9), [], 'it knows nothing of before');
  assert.equal(host.readText(`/${FILE}`), null);
  new Peaks(host, METRIC, { keep: true, clock: () => 5_000 }).with(routes(10, 3));
  const before = host.readText(`/${FILE}`);
  assert.deepEqual(look(12), ['ipv4 12', 'ipv4 at 8', 'ipv6 3', 'ipv6 at 5']);
  assert.equal(host.readText(`/${FILE}`), before);
});

test('peaks: a damaged record is as none, and the number of series is bounded', (t) => {
  const root = scratch(t);
  const host = new Host({ root });
  const peaks = () => new Peaks(host, METRIC, { keep: true, clock: () => 5_000 });
  peaks().with(routes(10, 3));
  const boot = host.readText('/run/holdfast/boot')?.trim();
  for (const text of [
    '',
    '{',
    'null',
    '[]',
    '{"boot":1}',
    JSON.stringify({ boot, peaks: [null] }),
    JSON.stringify({ boot, peaks: [{ attributes: {}, value: 'x', time: 1 }] }),
  ]) {
    writeFileSync(join(root, FILE), text);
    assert.deepEqual(peaksIn(peaks().with(routes(1, 1))), ['ipv4 1', 'ipv4 at 5', 'ipv6 1', 'ipv6 at 5'], text);
  }
  const many = Array.from({ length: 700 }, (_, n) => sample(METRIC, n, { table: `${n}` }));
  const kept = peaks();
  for (let n = 0; n < 2; n += 1) {
    const values = kept
      .with(many)
      .flatMap((one) => (one.kind === 'sample' && one.metric === `${METRIC}.max` ? [one.value] : []));
    assert.deepEqual([values.length, Math.max(...values), Math.min(...values)], [500, 699, 200]);
  }
});
