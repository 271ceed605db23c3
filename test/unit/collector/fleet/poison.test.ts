/** No request, whatever numbers and texts are in it, keeps the collector from storing, answering and showing what others send. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sample } from '../../../../probes/probe.ts';
import { collector, eventually, get, heartbeat, send } from '../../../parts/collector-wire.ts';

const JSON_TYPE = 'application/json';

function resourceOf(id: string, more: Readonly<Record<string, string>> = {}) {
  const all = Object.entries({ 'host.id': id, 'host.name': id, ...more });
  return { attributes: all.map(([key, stringValue]) => ({ key, value: { stringValue } })) };
}

function gauges(resource: object, dataPoints: readonly object[], name = 'holdfast.heartbeat.sequence'): Buffer {
  const metrics = [{ name, gauge: { dataPoints } }];
  return Buffer.from(JSON.stringify({ resourceMetrics: [{ resource, scopeMetrics: [{ metrics }] }] }));
}

const nanoseconds = (time: number) => `${time}000000`;

test('poisoned values: an impossible start or time stops no other sender, and leaves the database sound', async (t) => {
  const { url } = await collector(t);
  const odd = ['1e302', '-1e302', 1e30, '-1', '18446744073709551616', '0.5', -5, '9'.repeat(39)];
  for (const [index, value] of odd.entries()) {
    for (const field of ['startTimeUnixNano', 'timeUnixNano']) {
      const point = { timeUnixNano: nanoseconds(Date.now()), asDouble: index + 1, [field]: value };
      const { status } = await send(url, gauges(resourceOf(`odd-${field}`), [point]), { type: JSON_TYPE });
      assert.equal(status, 200, `${field} ${value}`);
    }
    assert.equal((await send(url, heartbeat({ sequence: index + 1 }))).status, 200, `after ${value}`);
  }
  assert.deepEqual((await get(url, '/healthz')).trouble, []);
});

test('poisoned values: NUL characters are removed from texts, in both encodings and for Prometheus', async (t) => {
  const { url } = await collector(t);
  const point = { timeUnixNano: nanoseconds(Date.now()), asDouble: 1 };
  await send(url, gauges(resourceOf('json\0id'), [point]), { type: JSON_TYPE });
  await send(url, heartbeat({ host: 'binary\0name' }));
  const log = { eventName: 'a\0b', body: { stringValue: `\0${'x'.repeat(100)}` } };
  const logs = { resourceLogs: [{ resource: resourceOf('json\0id'), scopeLogs: [{ logRecords: [log] }] }] };
  await send(url, Buffer.from(JSON.stringify(logs)), { signal: 'logs', type: JSON_TYPE });
  const { hosts } = await eventually(url, '/api/v1/hosts', ({ total }) => total === 2);
  const all = JSON.stringify([hosts, await get(url, `/api/v1/hosts/${encodeURIComponent('json\ufffdid')}/events`)]);
  assert.ok(!all.includes('\\u0000') && all.includes('a\ufffdb'), all);
  assert.ok(!(await (await fetch(`${url}/metrics`)).text()).includes('\0'));
});

test('poisoned values: a request with many times and many series is taken quickly, or refused', async (t) => {
  const { url } = await collector(t);
  const now = Date.now();
  const many = Array.from({ length: 2_000 }, (_, n) => ({
    timeUnixNano: nanoseconds(now),
    asDouble: n,
    attributes: [{ key: 'n', value: { intValue: n } }],
  }));
  const times = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ ...many[0], timeUnixNano: nanoseconds(now + n), asDouble: n }));
  await send(url, gauges(resourceOf('many'), many, 'm'), { type: JSON_TYPE });
  const before = process.cpuUsage();
  assert.equal((await send(url, gauges(resourceOf('many'), times(5_000), 'one'), { type: JSON_TYPE })).status, 200);
  const { user, system } = process.cpuUsage(before);
  // 20 s when all series were looked at for each time.
  assert.ok(user + system < 8e6, `${user + system} µs`);
  const refused = await send(url, gauges(resourceOf('many'), times(10_001), 'one'), { type: JSON_TYPE });
  assert.equal(refused.status, 413);
  assert.match(await refused.text(), /more than 10000 times/);
  const { series } = await get(url, `/api/v1/hosts/many/series?metric=one&from=${now}&to=${now + 5_000}&points=5000`);
  assert.deepEqual(series[0].points.at(-1), [now + 4_999, 4_999]);
});

test('poisoned values: long labels and codes of one sender leave the summary short and the page usable', async (t) => {
  const { url } = await collector(t);
  const long = (host: number) =>
    Object.fromEntries(Array.from({ length: 15 }, (_, n) => [`long-${n}`, `${host} ${n} `.padEnd(1_000, 'é')]));
  const codes = Array.from({ length: 30 }, (_, n) =>
    sample('holdfast.condition', 1, { code: `${n}`.padEnd(2_000, 'c') }),
  );
  await send(url, heartbeat({ host: 'honest', labels: { site: 'fra' } }));
  for (let host = 0; host < 100; host += 1) {
    await send(url, heartbeat({ host: `h${host}`, labels: long(host), more: codes }));
  }
  const summary = await eventually(url, '/api/v1/summary', ({ hosts }) => hosts === 101);
  assert.equal(summary.hosts, 101);
  assert.ok(JSON.stringify(summary).length < 500_000, `${JSON.stringify(summary).length}`);
  assert.deepEqual(summary.labels.site, ['fra']);
  const { body } = await fetch(`${url}/api/v1/stream`);
  let text = '';
  const decoder = new TextDecoder();
  for (let host = 0; host < 100; host += 1) {
    await send(url, heartbeat({ host: `h${host}`, labels: long(host), routes: 5, sequence: 2, more: codes }));
  }
  await send(url, heartbeat({ host: 'honest', labels: { site: 'fra' }, routes: 4242, sequence: 2 }));
  for await (const chunk of body!) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes('4242')) break;
  }
  const messages = text.split('\n\n').slice(0, -1);
  assert.ok(
    messages.every((one) => one.length < 2 * 2 ** 20),
    'no message is so long that readers are let go',
  );
  assert.ok(messages.every((one) => Array.isArray(JSON.parse(one.slice('data: '.length)).hosts)));
});
