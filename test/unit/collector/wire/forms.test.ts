/** OTLP as other senders write it: the collector takes all that it understands, and counts or refuses the rest. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { sample } from '../../../../probes/probe.ts';
import { collector, event, eventually, get, heartbeat, send } from '../../../parts/collector-wire.ts';

const type = 'application/json';
const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const point = (more: object = {}) => ({ timeUnixNano: '1', asDouble: 1, ...more });
const metrics = (...all: object[]) => ({ resourceMetrics: [{ scopeMetrics: [{ metrics: all }] }] });

test('OTLP forms: content-encoding takes each name of gzip in any case, and an empty one means none', async (t) => {
  const { url } = await collector(t);
  const plain = heartbeat();
  for (const [coding, packs, status] of [
    ['GZIP', true, 200],
    ['x-gzip', true, 200],
    ['X-GZip', true, 200],
    ['identity, gzip', true, 200],
    ['', false, 200],
    ['Identity', false, 200],
    ['gzip, gzip', true, 415],
    ['deflate', false, 415],
  ] as const) {
    const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': coding };
    const body = new Uint8Array(packs ? gzipSync(plain) : plain);
    assert.equal((await fetch(`${url}/v1/metrics`, { method: 'POST', headers, body })).status, status, coding);
  }
});

test('OTLP forms: JSON in snake_case means the same as in lowerCamelCase', async (t) => {
  const { url } = await collector(t);
  const attribute = (key: string, value: string) => ({ key, value: { string_value: value } });
  const resource = { attributes: [attribute('host.name', 'snake')] };
  const data = [{ time_unix_nano: `${Date.now()}000000`, as_int: '5', attributes: [attribute('a', 'b')] }];
  const scope_metrics = [{ metrics: [{ name: 'load', sum: { data_points: data, aggregation_temporality: 2 } }] }];
  assert.equal((await send(url, json({ resource_metrics: [{ resource, scope_metrics }] }), { type })).status, 200);
  const records = [
    { time_unix_nano: `${Date.now()}000000`, event_name: 'e', severity_number: 17, body: { string_value: 'x' } },
  ];
  const logs = { resource_logs: [{ resource, scope_logs: [{ log_records: records }] }] };
  assert.equal((await send(url, json(logs), { type, signal: 'logs' })).status, 200);
  const { series } = await get(url, '/api/v1/hosts/snake/series?metric=load');
  assert.deepEqual([series[0].attributes, series[0].points[0][1]], [{ a: 'b' }, 5]);
  const [found] = await get(url, '/api/v1/hosts/snake/events');
  assert.deepEqual([found.name, found.severity, found.body], ['e', 'error', 'x']);
});

test('OTLP forms: JSON without any known key is refused with the missing key, and an empty request is taken', async (t) => {
  const { url } = await collector(t);
  for (const [body, reason] of [
    [{ foo: 1 }, 'no "resourceMetrics" in it, but "foo"'],
    [{ resourceLogs: [] }, 'no "resourceMetrics" in it, but "resourceLogs"'],
    [{ resourceMetrics: [{ foo: 1 }] }, 'no resource and no scope in it, but "foo"'],
  ] as const) {
    const response = await send(url, json(body), { type });
    assert.equal(response.status, 400);
    assert.equal(((await response.json()) as { message: string }).message, reason);
  }
  for (const body of [{}, { resourceMetrics: [] }]) assert.equal((await send(url, json(body), { type })).status, 200);
});

test('OTLP forms: each point that is not kept is counted with the reason', async (t) => {
  const { url } = await collector(t);
  for (const [metric, rejected, reason] of [
    [
      { name: 'x', sum: { aggregationTemporality: 1, dataPoints: [point(), point()] } },
      2,
      /temporality delta.*cumulative/,
    ],
    [
      { name: 'x', sum: { aggregationTemporality: 'AGGREGATION_TEMPORALITY_DELTA', dataPoints: [point()] } },
      1,
      /delta/,
    ],
    [{ name: 'x', histogram: { dataPoints: [{}, {}, {}] } }, 3, /histogram/],
    [{ name: 'x', summary: { dataPoints: [{}, {}] } }, 2, /summary/],
    [{ name: 'x', exponentialHistogram: { dataPoints: [{}] } }, 1, /histogram/],
    [{ name: 'x', gauge: { dataPoints: [point({ asDouble: 'NaN' }), point()] } }, 1, /no finite number/],
    [{ name: 'x', gague: { dataPoints: [point()] } }, 1, /neither gauge nor sum/],
    [{ gauge: { dataPoints: [point()] } }, 1, /without a name/],
  ] as const) {
    const response = await send(url, json(metrics(metric, { name: 'good', gauge: { dataPoints: [point()] } })), {
      type,
    });
    assert.equal(response.status, 200);
    const { partialSuccess } = (await response.json()) as { partialSuccess: Record<string, string> };
    assert.equal(partialSuccess.rejectedDataPoints, `${rejected}`, JSON.stringify(metric));
    assert.match(partialSuccess.errorMessage!, reason);
  }
  assert.equal((await get(url, '/api/v1/hosts/unknown/series?metric=x')).series.length, 1);
});

/** Protobuf by hand: what the encoder of the agent does not write. */
const field = (number: number, bytes: Uint8Array) =>
  Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
const text = (value: string) => Buffer.from(value, 'latin1');
const any = (value: string) => field(1, text(value));
const attribute = (key: string, value: string) => field(6, Buffer.concat([field(1, text(key)), field(2, any(value))]));
const record = (body: string, ...more: Buffer[]) => field(2, Buffer.concat([field(5, any(body)), ...more]));
const request = (...records: Buffer[]) => field(1, field(2, Buffer.concat(records)));

test('OTLP forms: one text that is not UTF-8 loses its own record, and no other, in protobuf and in JSON', async (t) => {
  const { url } = await collector(t);
  const bodies = [
    request(
      record('first'),
      record('bad \xff'),
      record('second'),
      record('x', attribute('k\xfe', 'v')),
      field(2, Buffer.alloc(0)),
    ),
    Buffer.from(
      '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"third"}},{"body":{"stringValue":"bad \xff"}},' +
        '{"body":{"stringValue":"\\ud800"}},{},{"body":{"stringValue":"fourth"}}]}]}]}',
      'latin1',
    ),
  ];
  for (const [index, body] of bodies.entries()) {
    const response = await send(url, body, { signal: 'logs', type: index === 0 ? 'application/x-protobuf' : type });
    assert.equal(response.status, 200);
    assert.match(await response.text(), index === 0 ? /not UTF-8; a record without name/ : /"rejectedLogRecords":"3"/);
  }
  const events = await get(url, '/api/v1/hosts/unknown/events');
  assert.deepEqual(events.map(({ body }: { body: string }) => body).sort(), ['first', 'fourth', 'second', 'third']);
  // If the request has nothing else, the status tells the sender.
  const alone = await send(url, request(record('\xff')), { signal: 'logs' });
  assert.deepEqual([alone.status, /not UTF-8/.test(await alone.text())], [400, true]);
});

test('OTLP forms: an unreadable point or resource in protobuf loses only its own content', async (t) => {
  const { url } = await collector(t);
  const value = Buffer.from([0x21, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
  const metric = (name: string, kind: number, ...points: Buffer[]) =>
    field(2, Buffer.concat([field(1, text(name)), field(kind, Buffer.concat(points))]));
  const good = field(1, value);
  const bad = field(1, Buffer.concat([field(7, Buffer.concat([field(1, text('k\xff')), field(2, any('v'))])), value]));
  const of = (host: string, ...all: Buffer[]) =>
    field(
      1,
      Buffer.concat([
        field(1, field(1, Buffer.concat([field(1, text('host.name')), field(2, any(host))]))),
        field(2, Buffer.concat(all)),
      ]),
    );
  const delta = Buffer.from([0x10, 1]);
  const body = Buffer.concat([
    of('a', metric('load', 5, good, bad), metric('lo\xffd', 5, good, good)),
    of('\xff', metric('load', 5, good)),
    of(
      'b',
      metric('load', 5, good),
      metric('count', 7, good, good, delta),
      metric('h', 9, field(1, text('')), field(1, text(''))),
    ),
  ]);
  const answer = await send(url, body);
  assert.equal(answer.status, 200);
  const bytes = Buffer.from(await answer.arrayBuffer());
  // ExportMetricsPartialSuccess: field 1 is a varint.
  assert.deepEqual([...bytes.subarray(2, 4)], [8, 1 + 2 + 1 + 2 + 2]);
  const { total } = await eventually(url, '/api/v1/hosts', (hosts) => hosts.total === 2);
  assert.equal(total, 2);
});

test('OTLP forms: codes and labels named like members of Object are ordinary, in the API and for Prometheus', async (t) => {
  const { url } = await collector(t);
  const names = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf', 'a "quoted"\nline'];
  const more = names.map((code) => sample('holdfast.condition', 1, { code }));
  const labels = Object.fromEntries(names.map((name) => [name, 'x']));
  await send(url, heartbeat({ host: 'constructor', more, labels }));
  const wanted = Object.fromEntries(names.map((name) => [name, 1]));
  const { attention } = await eventually(url, '/api/v1/summary', ({ hosts }) => hosts === 1);
  assert.deepEqual(Object.entries(attention).sort(), Object.entries(wanted).sort());
  const lines = (await (await fetch(`${url}/metrics`)).text()).trim().split('\n');
  for (const line of lines) assert.match(line, /^(# (HELP|TYPE) \w+ .+|\w+(\{.*\})? -?[\d.e+-]+)$/);
  assert.ok(lines.includes('holdfast_hosts_attention{code="constructor"} 1'));
  for (const name of ['constructor', '__proto__']) {
    assert.equal((await get(url, `/api/v1/hosts?attention=${name}`)).total, 1);
    assert.equal((await get(url, `/api/v1/hosts?label=${name}:x`)).total, 1);
    assert.equal((await get(url, `/api/v1/hosts?label=valueOf:${name}`)).total, 0);
  }
  const [row] = (await get(url, '/api/v1/hosts')).hosts;
  for (const { since } of row.attention) assert.equal(typeof since, 'number');
});

test('OTLP forms: several conditions with one code are all kept', async (t) => {
  const { url } = await collector(t);
  const down = (address: string) => sample('holdfast.condition', 1, { code: 'nameserver-down', address });
  await send(url, heartbeat({ more: [down('10.0.0.1'), down('10.0.0.2')] }));
  const { hosts } = await eventually(url, '/api/v1/hosts', ({ total }) => total === 1);
  assert.equal(hosts[0].attention[0].text, 'nameserver down (address 10.0.0.1; address 10.0.0.2)');
  assert.equal((await get(url, '/api/v1/summary')).attention['nameserver-down'], 1);
});

test('OTLP forms: 200 events of one millisecond can all be reached, by id or by time', async (t) => {
  const { url } = await collector(t);
  const time = Date.now() - 5_000;
  const bodies = Array.from({ length: 200 }, (_, n) => event('a', `r-${n}`, { time, body: `${n}` }));
  await send(url, Buffer.concat([event('a', 'old', { time: time - 1, body: 'old' }), ...bodies]), { signal: 'logs' });
  const path = '/api/v1/hosts/id-of-a/events?limit=50';
  for (const withId of [true, false]) {
    const seen = new Set<string>();
    let [before, beforeId] = [time + 1, 0];
    for (let page = 0; page < 10; page += 1) {
      const id = withId && page > 0 ? `&beforeId=${beforeId}` : '';
      const found = await get(url, `${path}&before=${before}${id}`);
      if (withId && page > 0) assert.ok(found.length <= 50);
      for (const { body } of found) seen.add(body);
      if (found.length === 0) break;
      ({ time: before, id: beforeId } = found.at(-1));
    }
    assert.equal(seen.size, 201);
  }
});

test('OTLP forms: a parameter that is mistyped, or makes no sense, is refused, with a hint', async (t) => {
  const { url } = await collector(t);
  await send(url, heartbeat({ host: 'a' }));
  await eventually(url, '/api/v1/hosts', ({ total }) => total === 1);
  for (const [path, hint] of [
    ['hosts?atention=silent', 'did you mean "attention"'],
    ['hosts?Search=x', 'did you mean "search"'],
    ['hosts?limit=ten', '"limit" is not a whole number: ten'],
    ['hosts?limit=-1', 'not a whole number'],
    ['hosts?limit=1.5', 'not a whole number'],
    ['hosts?limit=1&limit=2', '"limit" is given twice'],
    ['hosts?label=site', 'not NAME:VALUE'],
    ['summary?x=1', 'no parameter "x"'],
    ['hosts/id-of-a?limit=5', 'no parameter "limit"'],
    ['hosts/id-of-a/events?befor=5', 'did you mean "before"'],
    ['hosts/id-of-a/events?before=yesterday', 'not a whole number'],
    ['hosts/id-of-a/events?beforeId=5', 'needs "before"'],
    ['hosts/id-of-a/series', '"metric" is missing'],
    ['hosts/id-of-a/series?metric=x&form=1', 'did you mean "from"'],
    ['hosts/id-of-a/series?metric=x&from=9&to=5', '"from" is after "to"'],
  ] as const) {
    const response = await fetch(`${url}/api/v1/${path}`);
    assert.equal(response.status, 400, path);
    assert.ok(((await response.json()) as { error: string }).error.includes(hint), path);
  }
  for (const path of ['hosts?search=&label=&attention=&limit=&offset=', 'hosts?label=a:b&label=c:d:e']) {
    assert.equal((await fetch(`${url}/api/v1/${path}`)).status, 200, path);
  }
});

test('OTLP forms: JSON of endless brackets is refused before parsing, and brackets in a text count as text', async (t) => {
  const { url } = await collector(t);
  const attribute = (key: string, text: string) => `{"key":"${key}","value":{"stringValue":"${text}"}}`;
  const beat = (id: string, more: string, text = '') =>
    `{"resourceMetrics":[{"resource":{"attributes":[${attribute('host.id', id)},${attribute('x', text)}]},"scopeMetrics":[{"metrics":[{"name":"x","gauge":{"dataPoints":[{"asDouble":1}]}}]}]}]${more}}`;
  const depth = 1_500_000;
  for (const deep of ['['.repeat(depth), '{"a":'.repeat(depth / 2), `${'['.repeat(depth)}${']'.repeat(depth)}`]) {
    for (const body of [deep, beat('deep', `,"more":${deep}`)]) {
      const answer = await send(url, Buffer.from(body), { type: 'application/json' });
      assert.equal(answer.status, 400);
      assert.match(await answer.text(), /more than 1000 levels/);
    }
  }
  const brackets = '['.repeat(1_500);
  for (const [index, text] of [brackets, `\\"${brackets}`, `${brackets}\\\\`, ']'.repeat(1_500)].entries()) {
    assert.equal((await send(url, Buffer.from(beat(`t${index}`, '', text)), { type: 'application/json' })).status, 200);
  }
  const wide = `,"more":[${'[],{},'.repeat(1_000)}[]]`;
  assert.equal((await send(url, Buffer.from(beat('wide', wide)), { type: 'application/json' })).status, 200);
  const { hosts } = await eventually(url, '/api/v1/hosts', ({ total }) => total === 5);
  assert.ok(hosts.every(({ id }: { id: string }) => id !== 'deep'));
});
