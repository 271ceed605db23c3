/** OTLP as it is sent, read back by a decoder other than the encoder's own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HeartbeatMeasurements } from '../../../agent/report/heartbeat.ts';
import { CONTENT_TYPES, events, metrics } from '../../../agent/report/otlp-encoding.ts';
import { type Sample, sample } from '../../../probes/probe.ts';
import { decodeLogs, decodeMetrics, partialSuccess } from '../../parts/otlp-receiver.ts';

const START = 1_790_000_000_123;
const resource = { 'service.name': 'holdfast', 'host.name': 'lab', 'holdfast.label.role': 'röuter' };

function beat(sequence: number, ...samples: Sample[]): HeartbeatMeasurements {
  return { time: START + sequence * 30_000, start: START, sequence, samples, resource };
}

for (const format of ['protobuf', 'json'] as const) {
  const type = CONTENT_TYPES[format];

  test(`${format}: gauges and counters of several heartbeats, oldest first, with their start`, () => {
    const routes = (count: number) =>
      sample('system.network.route.count', count, { 'network.type': 'ipv4', merged: true });
    const heals = (count: number) => sample('holdfast.heals', count, { resource: 'resolver' });
    const used = sample('system.network.route.utilization', 0.25);
    const body = metrics.encode(
      [beat(1, routes(1_200_000), heals(1), used), beat(2, routes(1_200_001), heals(4))],
      format,
    );
    const received = decodeMetrics(Buffer.from(body), type);
    assert.deepEqual(received.resource, resource);
    const at = (n: number) => ({ time: START + n * 30_000, start: START });
    const route = { 'network.type': 'ipv4', merged: true };
    assert.deepEqual(received.metrics, [
      {
        name: 'system.network.route.count',
        unit: '{route}',
        kind: 'gauge',
        type: 'int',
        points: [
          { ...at(1), value: 1_200_000, attributes: route },
          { ...at(2), value: 1_200_001, attributes: route },
        ],
      },
      {
        name: 'holdfast.heals',
        unit: '{heal}',
        kind: 'counter',
        type: 'int',
        points: [
          { ...at(1), value: 1, attributes: { resource: 'resolver' } },
          { ...at(2), value: 4, attributes: { resource: 'resolver' } },
        ],
      },
      {
        name: 'system.network.route.utilization',
        unit: '1',
        kind: 'gauge',
        type: 'double',
        points: [{ ...at(1), value: 0.25, attributes: {} }],
      },
    ]);
  });

  test(`${format}: an event is a log record with a name, a severity and its record's id`, () => {
    const event = {
      kind: 'event',
      name: 'holdfast.memory_error',
      severity: 'error',
      time: START + 7,
      body: 'Route cache is full: "\u0000 \u{1f525}"',
      attributes: { cause: 'route-cache-full', count: 3, ratio: 0.5 },
    } as const;
    const body = events.encode([{ id: 'abc-1', observed: START + 9, event, resource }], format);
    const { logs, resource: sent } = decodeLogs(Buffer.from(body), type);
    assert.deepEqual(sent, resource);
    assert.deepEqual(logs, [
      {
        time: START + 7,
        name: 'holdfast.memory_error',
        severity: 17,
        body: event.body,
        attributes: { ...event.attributes, 'holdfast.record.id': 'abc-1' },
      },
    ]);
  });

  test(`${format}: a value that is no number is left out, never sent as 0`, () => {
    const values = [Number.NaN, Number.POSITIVE_INFINITY, -1.5].map((value) => sample('holdfast.lease.renew', value));
    const received = decodeMetrics(Buffer.from(metrics.encode([beat(1, ...values)], format)), type);
    assert.deepEqual(
      received.metrics[0]?.points.map(({ value }) => value),
      [-1.5],
    );
  });
}

test('OTLP: answers of full and partial success are read in both formats, and garbage counts for nothing', () => {
  assert.equal(metrics.rejected(Buffer.alloc(0), 'protobuf'), null);
  assert.equal(metrics.rejected(Buffer.from('{}'), 'json'), null);
  assert.deepEqual(metrics.rejected(partialSuccess(3, 'too old'), 'protobuf'), { count: 3, reason: 'too old' });
  assert.deepEqual(events.rejected(partialSuccess(1, 'why'), 'protobuf'), { count: 1, reason: 'why' });
  const json = '{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"old"}}';
  assert.deepEqual(events.rejected(Buffer.from(json), 'json'), { count: 2, reason: 'old' });
  for (const garbage of ['<html>', 'null', '\n\xff\xff\xff', '{"partialSuccess":{"rejectedDataPoints":{}}}']) {
    assert.equal(metrics.rejected(Buffer.from(garbage, 'latin1'), 'json'), null, garbage);
    assert.equal(events.rejected(Buffer.from(garbage, 'latin1'), 'protobuf'), null, garbage);
  }
});
