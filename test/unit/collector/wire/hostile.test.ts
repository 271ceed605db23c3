/** Hostile requests get a 4xx or the end of the connection, and the next heartbeat is taken. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import protobuf from 'protobufjs/minimal.js';
import { LIMITS, MalformedRequest, type SeriesIndex, TooMany } from '../../../../agent/collector/wire/otlp.ts';
import * as json from '../../../../agent/collector/wire/otlp-json.ts';
import * as binary from '../../../../agent/collector/wire/protobuf.ts';
import { sample } from '../../../../probes/probe.ts';
import { collector, event, get, heartbeat, send } from '../../../parts/collector-wire.ts';

/** Reads the attributes of every series, as if none were known. */
const everyOne: SeriesIndex = {
  find(_metric, _unit, _key, read) {
    read();
    return 1;
  },
};

test('hostile senders: damaged protobuf is read or refused as malformed, and raises no other error', () => {
  const whole = [Buffer.from(heartbeat({ limit: 5 })), Buffer.from(event('a', '1'))];
  const damaged = fc
    .tuple(fc.constantFrom(...whole), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 5 }), fc.nat())
    .map(([body, bytes, length]) => {
      const copy = Buffer.from(body.subarray(0, 1 + (length % body.length)));
      for (const [at, byte] of bytes) copy[at % copy.length] = byte;
      return copy;
    });
  const anything = fc.oneof(damaged, fc.uint8Array({ maxLength: 200 }).map(Buffer.from));
  fc.assert(
    fc.property(anything, (body) => {
      for (const read of [() => binary.readMetrics(body, everyOne), () => binary.readLogs(body)]) orMalformed(read);
    }),
    { numRuns: 3_000 },
  );
});

test('hostile senders: any JSON is read or refused as malformed, and raises no other error', () => {
  const keys =
    'resourceMetrics resourceLogs resource attributes scopeMetrics scopeLogs metrics logRecords gauge dataPoints asDouble value key stringValue arrayValue values'.split(
      ' ',
    );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: 'large' },
      fc.constantFrom(null, 0, 'x', -1, '9'.repeat(50), true),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keys), tie('tree'), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...keys), tree), (value) => {
      const body = Buffer.from(JSON.stringify(value));
      for (const read of [() => json.readMetrics(body, everyOne), () => json.readLogs(body)]) orMalformed(read);
    }),
    { numRuns: 2_000 },
  );
});

function orMalformed(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    assert.ok(error instanceof MalformedRequest, `${(error as Error).stack}`);
  }
}

test('hostile senders: a request that is not OTLP is refused and changes nothing', async (t) => {
  const { url } = await collector(t);
  const type = 'application/json';
  const text = (value: string) => Buffer.from(value);
  const attributes = Array.from({ length: LIMITS.attributes + 1 }, (_, n) => ({
    key: `k${n}`,
    value: { intValue: n },
  }));
  const nested = (depth: number): object =>
    depth === 0 ? { intValue: 1 } : { arrayValue: { values: [nested(depth - 1)] } };
  const deep = [{ key: 'k', value: nested(30) }];
  const good = heartbeat();
  const cases: [number, Promise<Response>][] = [
    [400, send(url, text('not protobuf'))],
    [400, send(url, text('{'), { type })],
    [400, send(url, text('[]'), { type })],
    [400, send(url, text('{"resourceMetrics":[1]}'), { type })],
    [400, send(url, text(`${'['.repeat(100_000)}${']'.repeat(100_000)}`), { type })],
    [400, send(url, text(JSON.stringify({ resourceMetrics: [{ resource: { attributes } }] })), { type })],
    [400, send(url, text(JSON.stringify({ resourceMetrics: [{ resource: { attributes: deep } }] })), { type })],
    [400, send(url, Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), { type, gzip: false })],
    [400, send(url, Buffer.concat([good, good.subarray(0, 50)]))],
    [415, send(url, good, { type: 'text/plain' })],
    [413, send(url, Buffer.alloc(17 * 2 ** 20))],
    [413, send(url, Buffer.alloc(17 * 2 ** 20), { gzip: false })],
    [400, fetch(`${url}/v1/metrics`, post({ 'content-encoding': 'gzip' }, 'not gzip'))],
    [415, fetch(`${url}/v1/metrics`, post({ 'content-encoding': 'br' }, 'x'))],
    [405, fetch(`${url}/v1/metrics`)],
    [404, fetch(`${url}/v1/traces`)],
    [405, fetch(`${url}/api/v1/hosts`, post({}, 'x'))],
    [404, fetch(`${url}/api/v1/hosts/nobody`)],
    [400, fetch(`${url}/api/v1/hosts/%ff`)],
    [404, fetch(`${url}/page/../../api.ts`)],
  ];
  // A body that is too long may end as a connection that is closed while it is being sent.
  const answers = await Promise.all(cases.map(([, answer]) => answer.then(({ status }) => status).catch(() => 413)));
  assert.deepEqual(
    answers,
    cases.map(([status]) => status),
  );
  assert.equal((await get(url, '/api/v1/hosts')).total, 0);
  assert.equal((await send(url, good)).status, 200);
});

test('hostile senders: a small request that would unpack to a very long one is refused', async (t) => {
  const { url } = await collector(t);
  const bomb = gzipSync(Buffer.alloc(200 * 2 ** 20));
  const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip' };
  const response = await fetch(`${url}/v1/metrics`, { method: 'POST', headers, body: new Uint8Array(bomb) });
  assert.equal(response.status, 413);
});

const many = (count: number, one: (n: number) => string) => Array.from({ length: count }, (_, n) => one(n)).join();
const pair = (n: number) => `{"key":"k${n}","value":{"stringValue":"v${n}"}}`;

for (const [what, status, path, text] of [
  ['an object of 600,000 fields', 400, 'metrics', () => `{${many(600_000, (n) => `"k${n}":1`)}}`],
  ['an object of 65 fields', 400, 'metrics', () => `{"resourceMetrics":[],${many(64, (n) => `"k${n}":1`)}}`],
  ['an object of 64 fields', 200, 'metrics', () => `{"resourceMetrics":[],${many(63, (n) => `"k${n}":1`)}}`],
  ['colons in a text', 200, 'metrics', () => `{"resourceMetrics":[],"x":"${'\\":,'.repeat(1_000)}"}`],
  ['500,000 objects of a field each', 413, 'metrics', () => `{"x":[${many(500_000, (n) => `{"k${n}":1}`)}]}`],
  ['1,000,001 numbers', 413, 'metrics', () => `{"x":[${many(1_000_001, () => '1')}]}`],
  ['brackets that only close', 400, 'metrics', () => `{"resourceMetrics":[]${']}'.repeat(100_000)}`],
  ['9 MiB of one text', 413, 'metrics', () => `{"resourceMetrics":[],"x":"${'x'.repeat(9 * 2 ** 20)}"}`],
  ['7 MiB of one text', 200, 'metrics', () => `{"resourceMetrics":[],"x":"${'x'.repeat(7 * 2 ** 20)}"}`],
  ['10,001 records', 413, 'logs', () => logs(many(10_001, (n) => `{"eventName":"e${n}"}`))],
  [
    '200,001 attributes',
    413,
    'logs',
    () => logs(many(2_001, (n) => `{"eventName":"e${n}","attributes":[${many(100, () => `{"key":"k"}`)}]}`)),
  ],
  [
    '9 MiB of resources',
    413,
    'logs',
    () => `{"resourceLogs":[${many(300, () => `{"resource":{"attributes":[${many(15, wide)}]}}`)}]}`,
  ],
] as const) {
  test(`hostile senders: JSON of ${what} is answered with ${status}`, async (t) => {
    const { url } = await collector(t);
    const response = await send(url, Buffer.from(text()), { type: 'application/json', signal: path });
    assert.equal(response.status, status, await response.text());
  });
}

function wide(n: number): string {
  return `{"key":"k${n}","value":{"stringValue":"${'x'.repeat(2_000)}"}}`;
}

function logs(records: string): string {
  return `{"resourceLogs":[{"scopeLogs":[{"logRecords":[${records}]}]}]}`;
}

test('hostile senders: an ill-formed text in a long JSON body is refused before each value is looked at', async (t) => {
  const { url } = await collector(t);
  const type = 'application/json';
  const body = (count: number) =>
    Buffer.concat([Buffer.from(`{"x":[${many(count, () => '1')},"`), Buffer.from([0xff]), Buffer.from('"]}')]);
  assert.equal((await send(url, body(100_000), { type })).status, 413);
  assert.equal((await send(url, body(90_000), { type })).status, 400);
});

for (const [format, decoder, bodyOf] of [
  ['protobuf', binary, protobufRecords],
  ['JSON', json, (count: number, each: number) => Buffer.from(logs(jsonRecords(count, each)))],
] as const) {
  test(`hostile senders: in ${format}, the attributes of all records share one limit, even if all have the same name`, () => {
    assert.throws(() => decoder.readLogs(bodyOf(2_001, 100)), TooMany);
    assert.equal(decoder.readLogs(bodyOf(2_000, 100)).resources[0]!.records.length, 2_000);
    assert.throws(() => decoder.readLogs(bodyOf(10_001, 1)), TooMany);
  });
}

function jsonRecords(count: number, attributes: number): string {
  return many(count, (n) => `{"eventName":"e${n}","attributes":[${many(attributes, () => '{"key":"k"}')}]}`);
}

function protobufRecords(count: number, attributes: number): Buffer {
  const writer = protobuf.Writer.create().uint32(10).fork().uint32(18).fork();
  for (let n = 0; n < count; n += 1) {
    writer.uint32(18).fork().uint32(98).string(`e${n}`);
    for (let k = 0; k < attributes; k += 1) writer.uint32(50).fork().uint32(10).string('k').ldelim();
    writer.ldelim();
  }
  return Buffer.from(writer.ldelim().ldelim().finish());
}

test('hostile senders: new series above the limit of a request are refused, and the same request brings them later', async (t) => {
  const { url } = await collector(t);
  const point = (n: number) => `{"asInt":"1","attributes":[${pair(n)}]}`;
  const hosts = many(11, (host) => {
    const points = many(1_000, (n) => point(host * 1_000 + n));
    const id = `{"key":"host.id","value":{"stringValue":"h${host}"}}`;
    return `{"resource":{"attributes":[${id}]},"scopeMetrics":[{"metrics":[{"name":"x","gauge":{"dataPoints":[${points}]}}]}]}`;
  });
  const body = Buffer.from(`{"resourceMetrics":[${hosts}]}`);
  const first = await send(url, body, { type: 'application/json' });
  assert.match(await first.text(), /"rejectedDataPoints":"1000","errorMessage":"not kept: more than 10000 new series/);
  assert.equal(await (await send(url, body, { type: 'application/json' })).text(), '{}');
});

test('hostile senders: values that are no numbers and endless series are refused one by one, and the sender is told', async (t) => {
  const { url } = await collector(t);
  const type = 'application/json';
  const points = ['NaN', 'Infinity', 1, null].map((asDouble) => ({ timeUnixNano: '1', asDouble }));
  const body = { resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'x', gauge: { dataPoints: points } }] }] }] };
  const response = await send(url, Buffer.from(JSON.stringify(body)), { type });
  assert.equal(response.status, 200);
  assert.match(await response.text(), /"rejectedDataPoints":"3"/);
  const many = Array.from({ length: 5_000 }, (_, n) => sample('holdfast.nameserver.up', 1, { address: `n${n}` }));
  const refused = await send(url, heartbeat({ host: 'many', more: many }), {});
  assert.equal(refused.status, 200);
  assert.ok((await refused.arrayBuffer()).byteLength > 0);
  const { series } = await get(url, '/api/v1/hosts/id-of-many/series?metric=holdfast.nameserver.up');
  assert.ok(series.length > 1_000 && series.length <= 2_000, `${series.length}`);
});

test('hostile senders: raw bytes, half requests and slow requests leave the collector up', async (t) => {
  const { url } = await collector(t);
  const port = Number(new URL(url).port);
  const head = 'POST /v1/metrics HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n';
  const pieces = [
    'GARBAGE\r\n\r\n',
    `${head}content-length: -1\r\n\r\n`,
    `${head}transfer-encoding: chunked\r\n\r\nzz\r\n`,
    `${head}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n`,
    `GET /${'a'.repeat(100_000)} HTTP/1.1\r\n\r\n`,
    '\x16\x03\x01\x02\x00\x01\x00',
  ];
  for (const piece of pieces) {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    socket.resume().write(piece, 'latin1');
    await new Promise((resolve) => socket.once('close', resolve));
  }
  // These are still being sent when others are served.
  const slow = Array.from({ length: 50 }, () => connect(port, '127.0.0.1').on('error', () => {}));
  for (const socket of slow) socket.write(`${head}content-length: 100\r\n\r\n{`);
  assert.equal((await send(url, heartbeat())).status, 200);
  for (const socket of slow) socket.destroy();
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
});

function post(headers: Record<string, string>, body: string): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body };
}
