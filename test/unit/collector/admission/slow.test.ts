/** Senders and readers that dribble, or stop: each is let go by a time limit or a bound, and the others are served meanwhile. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { collector, heartbeat, send } from '../../../parts/collector-wire.ts';

/** Milliseconds: the limits are tried, and not how long they are. */
const patience = {
  headersTimeout: 3_000,
  requestTimeout: 4_000,
  keepAliveTimeout: 3_000,
  timeout: 5_000,
  connectionsCheckingInterval: 200,
};
const head =
  'POST /v1/metrics HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n';
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test('slow senders: 2,000 connections that send nothing, or dribble headers or bodies, are all closed', {
  timeout: 240_000,
}, async (t) => {
  const { url } = await collector(t, { patience });
  const port = Number(new URL(url).port);
  const starts = [
    null,
    'GET /healthz HTTP/1.1\r\nx-slow: ',
    `${head}\r\n{`,
    // Keeps its connection, and never uses it again.
    'GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n',
  ];
  let left = 0;
  const begin = (index: number) => {
    const socket = opened(t, port);
    const start = starts[index % starts.length]!;
    if (start !== null) socket.write(start);
    // Bytes that come now and then do not put off the end.
    const timer = start === null || start.endsWith('\r\n\r\n') ? undefined : setInterval(() => socket.write('a'), 500);
    left += 1;
    socket.once('close', () => {
      clearInterval(timer);
      left -= 1;
    });
  };
  // In parts, each accepted before the next: if the kernel's queue overflows, a client may believe it is connected.
  for (let index = 0; index < 2_000; index += 1) {
    begin(index);
    if (index % 100 === 99) assert.equal((await fetch(`${url}/healthz`)).status, 200);
  }
  for (let sequence = 1; left > 0; sequence += 1) {
    assert.equal((await send(url, heartbeat({ sequence }))).status, 200);
    await pause(200);
  }
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
});

test('slow readers: a reader that asks for much and takes none of it is disconnected', {
  timeout: 240_000,
}, async (t) => {
  const { url } = await collector(t, { patience });
  const port = Number(new URL(url).port);
  for (let n = 0; n < 300; n += 1) {
    const beat = heartbeat({ host: `edge-${n}`, labels: { text: 'x'.repeat(2_000) } });
    assert.equal((await send(url, beat)).status, 200);
  }
  // Some answers each: more than the kernel's buffers take.
  const asked = 'GET /api/v1/hosts?limit=1000 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'.repeat(16);
  const sockets = Array.from({ length: 20 }, () => opened(t, port).pause());
  for (const socket of sockets) socket.write(asked);
  while (sockets.some(({ connecting }) => connecting)) await pause(50);
  assert.equal(established(port, sockets), sockets.length);
  while (established(port, sockets) > 0) await pause(250);
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
});

test('pipelined requests: one connection gets a few answers at a time, so a packet of requests makes no gigabyte of answers', async (t) => {
  const { url } = await collector(t);
  const port = Number(new URL(url).port);
  const asked = 'GET /api/v1/summary HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n';
  const few = opened(t, port);
  let answers = '';
  few.on('data', (bytes) => {
    answers += bytes.toString('latin1');
  });
  few.write(asked.repeat(16));
  while (answers.split('HTTP/1.1 200').length - 1 < 16) await pause(20);
  // Any number of requests is allowed, one after the other.
  for (let n = 0; n < 40; n += 1) assert.equal((await fetch(`${url}/healthz`)).status, 200);
  const many = opened(t, port);
  many.write(asked.repeat(200));
  await new Promise((resolve) => many.once('close', resolve));
  assert.equal(few.destroyed, false);
});

test('open pages: of 200, the 150 that read nothing are disconnected in bounded memory, and the others see every change', {
  timeout: 240_000,
}, async (t) => {
  const { url } = await collector(t);
  const port = Number(new URL(url).port);
  const asked = 'GET /api/v1/stream HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n';
  const stuck = Array.from({ length: 150 }, () => opened(t, port).pause());
  for (const socket of stuck) socket.write(asked);
  const readers = Array.from({ length: 50 }, () => {
    const socket = opened(t, port);
    const reader = { ended: false, last: '' };
    socket.on('data', (bytes) => {
      reader.last = (reader.last + bytes.toString('latin1')).slice(-200_000);
    });
    socket.once('close', () => {
      reader.ended = true;
    });
    socket.write(asked);
    return reader;
  });
  while (stuck.some(({ connecting }) => connecting)) await pause(50);
  const before = process.memoryUsage().rss;
  let most = 0;
  const text = 'x'.repeat(2_000);
  for (let sequence = 1; established(port, stuck) > 0; sequence += 1) {
    const labels = { a: text, b: text, c: text };
    const beats = Array.from({ length: 400 }, (_, n) => {
      return heartbeat({ host: `edge-${n}`, sequence, routes: sequence, labels });
    });
    // Messages of protobuf one after the other are one, with the lists of all.
    assert.equal((await send(url, Buffer.concat(beats))).status, 200);
    most = Math.max(most, process.memoryUsage().rss - before);
    await pause(250);
  }
  // 150 readers, each 4 MiB behind, would take 600 MiB. They wait for the same data, which are kept once.
  t.diagnostic(`${Math.round(most / 2 ** 20)} MiB more at most`);
  assert.ok(most < 300 * 2 ** 20, `${most}`);
  await send(url, heartbeat({ host: 'the-last' }));
  while (!readers.every(({ last }) => last.includes('the-last'))) await pause(100);
  assert.ok(readers.every(({ ended }) => !ended));
});

/** A connection that is gone after the test; how it ends is of no interest. */
function opened(t: TestContext, port: number): Socket {
  const socket = connect(port, '127.0.0.1')
    .on('error', () => {})
    .resume();
  t.after(() => socket.destroy());
  return socket;
}

/** How many of these connections the collector still has: a client that reads nothing does not learn of their end. */
function established(port: number, clients: readonly Socket[]): number {
  const of = (number = 0) => `0100007F:${number.toString(16).toUpperCase().padStart(4, '0')}`;
  const all = readFileSync('/proc/net/tcp', 'latin1');
  return clients.filter(({ localPort }) => all.includes(`${of(port)} ${of(localPort)} 01 `)).length;
}
