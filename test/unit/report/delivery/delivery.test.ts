/** Delivery to receivers that answer well, badly or not at all: nothing is lost, repeated without need, or out of order. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { Spool } from '../../../../agent/report/spool/spool.ts';
import { sample } from '../../../../probes/probe.ts';
import { type Answer, accept, decodeLogs, partialSuccess, Receiver, refuse } from '../../../parts/otlp-receiver.ts';
import { DESIRED, event, IDENTITY, reporting, until } from '../../../parts/report-scene.ts';
import { scratch } from '../../../parts/scratch.ts';

const bodies = (receiver: Receiver) => receiver.logs().map(({ body }) => body);
const ids = (receiver: Receiver) => receiver.logs().map(({ attributes }) => attributes['holdfast.record.id']);
const numbered = (count: number) => Array.from({ length: count }, (_, n) => `event ${n + 1}`);
const logsIn = (body: Buffer) => decodeLogs(body, 'application/x-protobuf').logs;

for (const format of ['protobuf', 'json'] as const) {
  test(`${format}: heartbeats and events arrive, gzipped, numbered, below the endpoint's own path`, async (t) => {
    const receiver = await Receiver.start(t);
    const { reporter, said } = reporting(t, `${receiver.url}/otlp/`, { desired: { format } });
    reporter.event(event(1));
    reporter.heartbeat([sample('system.network.route.count', 7)], [event(2)]);
    reporter.heartbeat([]);
    await reporter.stop(20_000);
    assert.deepEqual(bodies(receiver), numbered(2));
    assert.equal(new Set(ids(receiver)).size, 2);
    const sequences = receiver.metrics().filter(({ name }) => name === 'holdfast.heartbeat.sequence');
    assert.deepEqual(
      sequences.flatMap(({ points }) => points.map(({ value }) => value)),
      [1, 2],
    );
    assert.ok(receiver.metrics().some(({ name }) => name === 'holdfast.spool.size'));
    assert.deepEqual(
      new Set(receiver.requests.map(({ path }) => path)),
      new Set(['/otlp/v1/logs', '/otlp/v1/metrics']),
    );
    assert.ok(receiver.requests.every(({ headers }) => headers['content-encoding'] === 'gzip'));
    assert.deepEqual(said, []);
  });
}

test('delivery: without an endpoint nothing is kept and nothing fails', async (t) => {
  const { reporter } = reporting(t, '', { desired: { endpoint: null } });
  reporter.event(event(1));
  reporter.heartbeat([], [event(2)]);
  await reporter.stop(1000);
});

test('delivery: after a day of a dead collector every event arrives once and in order, then the heartbeats', async (t) => {
  const receiver = await Receiver.start(t, { answer: refuse(503) });
  t.mock.timers.enable({ apis: ['Date'], now: 1_790_000_000_000 });
  const { reporter, said } = reporting(t, receiver.url);
  const events = [];
  for (let beat = 1; beat <= 2880; beat++) {
    t.mock.timers.tick(30_000);
    if (beat % 10 === 0) reporter.event(event(events.push(beat)));
    reporter.heartbeat([sample('system.network.route.count', beat, { 'network.type': 'ipv4' })]);
  }
  await until('it was tried', () => receiver.requests.length >= 4);
  receiver.answer = accept;
  receiver.requests.length = 0;
  const accepted = () => receiver.metrics().filter(({ name }) => name === 'system.network.route.count');
  await until('all arrived', () => accepted().flatMap(({ points }) => points).length >= 2880);
  await reporter.stop(20_000);
  assert.deepEqual(bodies(receiver), numbered(288));
  const points = accepted().flatMap(({ points }) => points);
  assert.deepEqual(
    points.map(({ time, value }) => [time, value]),
    Array.from({ length: 2880 }, (_, n) => [1_790_000_000_000 + (n + 1) * 30_000, n + 1]),
  );
  assert.equal(said.filter((line) => line.includes('do not reach the collector')).length, 2, 'told once a signal');
  assert.equal(said.filter((line) => line.includes('reach the collector again')).length, 2);
});

for (const [what, answer] of Object.entries<Answer>({
  'closes the connection': (_, response) => response.destroy(),
  'stops in the middle of its answer': (_, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('half', () => response.destroy());
  },
  'answers 500': refuse(500),
  'answers 429': refuse(429),
  'answers 408': refuse(408),
  'answers 401': refuse(401),
  'answers 403': refuse(403),
  'has no backend yet (404)': refuse(404),
  'answers 400 with a page of its proxy': (_, response) =>
    response.writeHead(400, { 'content-type': 'text/html' }).end('<html>'),
  'answers with a page to log in at': (_, response) => response.setHeader('content-type', 'text/html').end('<html>'),
  'never answers': () => {},
})) {
  test(`delivery: to a receiver that ${what}, the same request is sent again until it is taken`, async (t) => {
    const receiver = await Receiver.start(t, { answer });
    const { reporter } = reporting(t, receiver.url, { timing: { request: 500 } });
    reporter.event(event(1));
    await until('it was tried again', () => receiver.requests.length >= 2);
    receiver.answer = accept;
    receiver.requests.length = 0;
    await until('it arrived', () => receiver.requests.length >= 1);
    await reporter.stop(20_000);
    assert.deepEqual([...new Set(bodies(receiver))], ['event 1']);
    assert.equal(new Set(ids(receiver)).size, 1);
  });
}

test('delivery: a receiver that speaks no HTTP is waited out', async (t) => {
  const server = createServer((socket) => socket.on('error', () => {}).end('\0\0garbage\r\n\r\n'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as { port: number };
  const { reporter, said } = reporting(t, `http://127.0.0.1:${address.port}`);
  reporter.event(event(1));
  await until('it was told', () => said.length > 0);
  assert.match(said[0]!, /events do not reach the collector: .*Parse Error/);
  server.close();
});

test('delivery: a redirect is not followed, and what was sent is kept', async (t) => {
  const other = await Receiver.start(t);
  const receiver = await Receiver.start(t, { answer: refuse(307, { location: `${other.url}/v1/logs` }) });
  const { reporter, said } = reporting(t, receiver.url);
  reporter.event(event(1));
  await until('it was tried again', () => receiver.requests.length >= 2);
  receiver.answer = accept;
  await until('it is told', () => said.length === 2);
  assert.match(said[0]!, /a redirect, which is not followed/);
  assert.equal(other.requests.length, 0);
});

test('delivery: an endless answer is cut off, and its status counts', async (t) => {
  const receiver = await Receiver.start(t, {
    answer: (_, response) => {
      response.writeHead(200, { 'content-type': 'application/x-protobuf' });
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, 0xff)));
      };
      response.on('drain', more);
      more();
    },
  });
  const { reporter } = reporting(t, receiver.url);
  reporter.event(event(1));
  await until('it was sent', () => receiver.requests.length === 1);
  reporter.event(event(2));
  await until('the next was sent', () => receiver.requests.length === 2);
  assert.deepEqual(bodies(receiver), numbered(2));
});

test('delivery: a receiver that asks for a pause gets it, also when the agent stops', async (t) => {
  const receiver = await Receiver.start(t, { answer: refuse(429, { 'retry-after': '3600' }) });
  const { reporter, said } = reporting(t, receiver.url);
  reporter.event(event(1));
  await until('it was refused', () => said.length > 0);
  reporter.event(event(2));
  await reporter.stop(20_000);
  assert.equal(receiver.requests.length, 1);
});

test('delivery: at the end waiting records are sent at once, and a request that hangs is kept for the next start', async (t) => {
  const receiver = await Receiver.start(t, { answer: refuse(503) });
  const patient = { firstRetry: 3_600_000, longestRetry: 3_600_000 };
  const { reporter, said, spoolFolder } = reporting(t, receiver.url, { timing: patient });
  reporter.event(event(1));
  await until('it was refused', () => said.length > 0);
  receiver.answer = () => {};
  await reporter.stop(2000);
  assert.equal(receiver.requests.length, 2);
  receiver.answer = accept;
  receiver.requests.length = 0;
  const { reporter: next } = reporting(t, receiver.url, { spoolFolder });
  next.event(event(2));
  await next.stop(20_000);
  assert.deepEqual(bodies(receiver), numbered(2));
});

test('delivery: a kept connection that the receiver has closed is no failure', async (t) => {
  const seen = new WeakSet<object>();
  const receiver = await Receiver.start(t, {
    answer: (request, response, raw) => {
      if (seen.has(raw.socket)) return void response.destroy();
      seen.add(raw.socket);
      accept(request, response, raw);
    },
  });
  const { reporter, said } = reporting(t, receiver.url, { timing: { firstRetry: 3_600_000, longestRetry: 3_600_000 } });
  reporter.event(event(1));
  await until('the first arrived', () => receiver.requests.length === 1);
  reporter.event(event(2));
  await until('the second arrived', () => receiver.requests.length === 3);
  await reporter.stop(20_000);
  assert.deepEqual(said, []);
});

test('delivery: a request that is too large is divided until it is taken', async (t) => {
  const answer: Answer = (request, response, raw) =>
    (logsIn(request.body).length > 3 ? refuse(413) : accept)(request, response, raw);
  const receiver = await Receiver.start(t, { answer: refuse(503) });
  const { reporter, said } = reporting(t, receiver.url);
  for (let n = 1; n <= 100; n++) reporter.event(event(n));
  await until('it was refused', () => said.length > 0);
  receiver.answer = answer;
  receiver.requests.length = 0;
  const taken = () =>
    receiver.requests
      .map(({ body }) => logsIn(body))
      .filter((logs) => logs.length <= 3)
      .flat();
  await until('all arrived', () => taken().length >= 100);
  await reporter.stop(20_000);
  assert.deepEqual(
    taken().map(({ body }) => body),
    numbered(100),
  );
});

test('delivery: a refused record is given up, counted and reported; all others arrive once', async (t) => {
  const poisoned = (body: Buffer) => logsIn(body).some(({ body }) => body === 'poison');
  const receiver = await Receiver.start(t, { answer: refuse(503) });
  const { reporter, said } = reporting(t, receiver.url);
  for (let n = 1; n <= 20; n++) reporter.event(event(n, n === 7 ? 'poison' : `event ${n}`));
  await until('it was refused', () => said.length > 0);
  receiver.answer = (request, response, raw) =>
    (request.path === '/v1/logs' && poisoned(request.body) ? refuse(400) : accept)(request, response, raw);
  receiver.requests.length = 0;
  const logs = () => receiver.requests.filter(({ path, body }) => path === '/v1/logs' && !poisoned(body));
  const taken = () => logs().flatMap(({ body }) => logsIn(body).map((log) => log.body));
  await until('the last arrived', () => taken().includes('event 20'));
  reporter.heartbeat([]);
  await reporter.stop(20_000);
  assert.deepEqual(
    taken(),
    numbered(20).filter((body) => body !== 'event 7'),
  );
  const [dropped] = receiver.metrics().filter(({ name }) => name === 'holdfast.spool.dropped');
  assert.deepEqual(
    dropped?.points.map(({ value, attributes }) => [value, attributes]),
    [[1, { signal: 'events', reason: 'rejected' }]],
  );
  assert.ok(said.some((line) => line.includes('the collector answers 400')));
});

/** Refuses, by `how`, each request for events that has a body among `poison`, and takes all others. */
function takesAllBut(poison: readonly string[], how: Answer): Answer {
  const poisoned = ({ path, body }: { path: string; body: Buffer }) =>
    path === '/v1/logs' && logsIn(body).some((log) => poison.includes(log.body));
  return (request, response, raw) => (poisoned(request) ? how : accept)(request, response, raw);
}

for (const [what, positions, how] of [
  ['500 for the first of twenty', [1], refuse(500)],
  ['500 for one in the middle', [7], refuse(500)],
  ['500 for the last', [20], refuse(500)],
  ['500 for two neighbours', [7, 8], refuse(500)],
  ['502 for three', [1, 2, 20], refuse(502)],
  ['403 of a filter that dislikes its words', [5], refuse(403)],
  ['no answer, but a closed connection', [9], (_: unknown, response: { destroy(): void }) => response.destroy()],
] as [string, number[], Answer][]) {
  test(`delivery: a record that is never taken (${what}) is given up and counted; all others arrive once`, async (t) => {
    const poison = positions.map((n) => `event ${n}`);
    const receiver = await Receiver.start(t, { answer: refuse(503) });
    const { reporter, said } = reporting(t, receiver.url);
    for (let n = 1; n <= 20; n++) reporter.event(event(n));
    await until('it was refused', () => said.length > 0);
    receiver.answer = takesAllBut(poison, how);
    receiver.requests.length = 0;
    const taken = () =>
      receiver.requests
        .filter(({ path }) => path === '/v1/logs')
        .map(({ body }) => logsIn(body).map((log) => log.body))
        .filter((batch) => !batch.some((body) => poison.includes(body)))
        .flat();
    const wanted = numbered(20).filter((body) => !poison.includes(body));
    const dropped = () => {
      const found = receiver.metrics().filter(({ name }) => name === 'holdfast.spool.dropped');
      return found.at(-1)?.points.find(({ attributes }) => attributes.signal === 'events')?.value;
    };
    await until('all others arrived, and the loss is counted', () => {
      reporter.heartbeat([]);
      return taken().length >= wanted.length && dropped() === poison.length;
    });
    await reporter.stop(20_000);
    assert.deepEqual(taken().sort(), wanted.sort());
    assert.ok(said.some((line) => line.includes('this record is given up')));
  });
}

test('delivery: no outage makes it give a record up, however long it lasts and whatever is answered', async (t) => {
  const receiver = await Receiver.start(t, { answer: refuse(500) });
  const { reporter, said } = reporting(t, receiver.url, { timing: { firstRetry: 1, longestRetry: 2 } });
  for (let n = 1; n <= 20; n++) reporter.event(event(n));
  await until('it was tried a hundred times', () => receiver.requests.length >= 100);
  receiver.answer = refuse(404);
  await until('and again', () => receiver.requests.length >= 200);
  receiver.answer = accept;
  receiver.requests.length = 0;
  await until('all arrived', () => new Set(bodies(receiver)).size >= 20);
  await reporter.stop(20_000);
  assert.deepEqual(bodies(receiver).sort(), numbered(20).sort());
  assert.ok(!said.some((line) => line.includes('dropped')), said.join('\n'));
});

test('delivery: a request taken in part is counted and not sent again', async (t) => {
  const receiver = await Receiver.start(t, {
    answer: (_, response) => {
      response.setHeader('content-type', 'application/x-protobuf').end(partialSuccess(2, 'out of bounds'));
    },
  });
  const { reporter, said } = reporting(t, receiver.url);
  reporter.heartbeat([]);
  await until('it is told', () => said.some((line) => line.startsWith('holdfast.delivery.failed')));
  reporter.heartbeat([]);
  await reporter.stop(20_000);
  const dropped = receiver.metrics().filter(({ name }) => name === 'holdfast.spool.dropped');
  assert.deepEqual(
    dropped.at(-1)?.points.map(({ value, attributes: { signal } }) => [signal, value]),
    [['metrics', 2]],
  );
  assert.ok(said.some((line) => line.includes('rejected 2 records and took the others: out of bounds')));
});

test('delivery: the token is read again for each request, and appears in no output', async (t) => {
  const tokenFile = join(scratch(t), 'token');
  writeFileSync(tokenFile, 'old-secret\n');
  const answer: Answer = (request, response, raw) =>
    (request.headers.authorization === 'Bearer new-secret' ? accept : refuse(401))(request, response, raw);
  const receiver = await Receiver.start(t, { answer });
  const { reporter, said } = reporting(t, receiver.url, { desired: { tokenFile } });
  reporter.event(event(1));
  await until('it was refused', () => said.length === 1);
  // The daemon reports a file without a token, and keeps trying the last good token.
  writeFileSync(tokenFile, 'bad\nsecret\n');
  const before = receiver.requests.length;
  await until('it is tried again', () => receiver.requests.length > before + 1);
  writeFileSync(tokenFile, 'new-secret\n');
  await until('it arrived', () => said.length === 2);
  assert.match(said[0]!, /answers 401: it does not accept this host's token or certificate/);
  assert.match(said[1]!, /reach the collector again/);
  assert.ok(!said.join().includes('secret'), said.join('\n'));
  assert.deepEqual(logsIn(receiver.requests.at(-1)!.body).length, 1);
});

test('delivery: after a new configuration the numbers go on, and waiting records go to the new collector', async (t) => {
  const [first, second] = [await Receiver.start(t, { answer: refuse(503) }), await Receiver.start(t)];
  const { reporter, said } = reporting(t, first.url);
  reporter.heartbeat([], [event(1)]);
  await until('the first refused', () => said.length === 2);
  const identity = { ...IDENTITY, resource: { ...IDENTITY.resource, 'holdfast.config.hash': 'new' } };
  await reporter.update({ desired: { ...DESIRED, endpoint: second.url, format: 'json' }, identity });
  reporter.heartbeat([], [event(2)]);
  await reporter.stop(20_000);
  assert.deepEqual(bodies(second), numbered(2));
  const sequences = second.metrics().filter(({ name }) => name === 'holdfast.heartbeat.sequence');
  assert.deepEqual(
    sequences.flatMap(({ points }) => points.map(({ value }) => value)),
    [1, 2],
  );
});

test('delivery: a record that cannot be read is counted once, however often its neighbours are sent again', async (t) => {
  const spoolFolder = scratch(t);
  const nobody = () => assert.fail('nothing is lost yet');
  const spool = new Spool({ folder: spoolFolder, bound: 1e6, lost: nobody, trouble: nobody });
  const add = (n: number) =>
    spool.addEvent({ id: `a-${n}`, observed: n, event: event(n), resource: IDENTITY.resource });
  spool.events.append(Buffer.from('not what was packed'));
  add(1);
  spool.events.append(Buffer.from('nor this'));
  add(2);
  await spool.close();
  const receiver = await Receiver.start(t, { answer: refuse(503) });
  const { reporter, said } = reporting(t, receiver.url, { spoolFolder });
  await until('it was tried often', () => receiver.requests.length > 3);
  receiver.answer = accept;
  receiver.requests.length = 0;
  await until('it is counted', () => said.some((line) => line.startsWith('holdfast.spool.dropped')));
  reporter.heartbeat([]);
  await reporter.stop(20_000);
  assert.deepEqual(bodies(receiver), numbered(2));
  const [dropped] = receiver.metrics().filter(({ name }) => name === 'holdfast.spool.dropped');
  assert.deepEqual(
    dropped?.points.map(({ value, attributes }) => [value, attributes.reason]),
    [[2, 'damaged']],
  );
});
