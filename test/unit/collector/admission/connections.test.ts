/** Connections and bodies under way are shared by sender: one that opens or dribbles many takes no room of another. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { collector, get, heartbeat, send } from '../../../parts/collector-wire.ts';

/** A connection from an address, gone after the test; how it ends is of no interest. */
async function open(t: TestContext, url: string, localAddress: string): Promise<Socket> {
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', localAddress });
  socket.on('error', () => {}).resume();
  t.after(() => socket.destroy());
  await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
  return socket;
}

/** The collector has answered a request by it; false: it was ended. */
async function answers(socket: Socket): Promise<boolean> {
  if (socket.destroyed) return false;
  const answer = Promise.race([once(socket, 'data').then(() => true), once(socket, 'close').then(() => false)]);
  socket.write('GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n');
  return answer;
}

test('connections: an address that holds them all loses its least used ones to other addresses', async (t) => {
  const { url } = await collector(t, { connections: 20 });
  const hostile: Socket[] = [];
  for (let n = 0; n < 20; n += 1) {
    hostile.push(await open(t, url, '127.0.0.9'));
    if (n > 0) assert.equal(await answers(hostile[n]!), true);
  }
  assert.equal(await answers(hostile[0]!), true);
  // More of the same address take nobody's place.
  assert.equal(await answers(await open(t, url, '127.0.0.9')), false);
  const honest = await open(t, url, '127.0.0.2');
  assert.equal(await answers(honest), true);
  assert.equal(hostile[1]!.destroyed || !(await answers(hostile[1]!)), true);
  assert.equal(await answers(hostile[0]!), true);
  // The honest address keeps its connections, and gets as many as the other address.
  const more = [];
  for (let n = 0; n < 8; n += 1) more.push(await open(t, url, '127.0.0.2'));
  for (const socket of [honest, ...more]) assert.equal(await answers(socket), true);
  for (let n = 0; n < 30; n += 1) await open(t, url, '127.0.0.9');
  for (const socket of [honest, ...more]) assert.equal(await answers(socket), true);
});

test('connections: a closed connection is free for the next one', async (t) => {
  const { url } = await collector(t, { connections: 5 });
  for (let n = 0; n < 40; n += 1) {
    const socket = await open(t, url, `127.0.0.${2 + (n % 3)}`);
    assert.equal(await answers(socket), true, `connection ${n}`);
    const closed = once(socket, 'close');
    socket.end();
    await closed;
  }
});

test('request bodies: a fourth sender gets room although three senders hold all of it', {
  timeout: 240_000,
}, async (t) => {
  const { url } = await collector(t);
  const long = `content-length: ${16 * 2 ** 20}`;
  const head = `POST /v1/metrics HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n${long}\r\n\r\n`;
  // 90 MiB, 90 MiB and 78 MiB: more than 256, in pieces of which the last one to be refused leaves little free.
  const pieces = [...Array(6).fill(['127.0.0.7', 15]), ...Array(6).fill(['127.0.0.8', 15])];
  pieces.push(...Array(78).fill(['127.0.0.9', 1]));
  for (const [from, size] of pieces) {
    const socket = await open(t, url, from);
    socket.write(head);
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
      socket.write(Buffer.alloc(size * 2 ** 20, ' '), () => resolve());
    });
  }
  for (let sequence = 1; sequence < 5; sequence += 1) {
    const body = Buffer.concat([heartbeat({ sequence }, 'json'), Buffer.alloc(7 * 2 ** 20, ' ')]);
    assert.equal((await send(url, body, { type: 'application/json', gzip: false })).status, 200);
  }
  assert.equal((await get(url, '/api/v1/hosts')).total, 1);
});

test('host names: the API finds a host by any name, and refuses "." and "..", which no URL can hold', async (t) => {
  const { url } = await collector(t);
  const ids = ['a/b', '../x', '%2e', '%2e%2e', 'a/events', '/', '?', '#', 'x%', '\\', '..;', ' ', '~2', 'a?b#c', '...'];
  for (const id of ['.', '..', ...ids]) {
    const attributes = [{ key: 'host.id', value: { stringValue: id } }];
    const metrics = [{ name: 'load', gauge: { dataPoints: [{ asDouble: 1 }] } }];
    const body = JSON.stringify({ resourceMetrics: [{ resource: { attributes }, scopeMetrics: [{ metrics }] }] });
    const answer = await send(url, Buffer.from(body), { type: 'application/json' });
    if (ids.includes(id)) assert.equal(answer.status, 200);
    else {
      assert.equal(answer.status, 400);
      assert.match(
        ((await answer.json()) as { message: string }).message,
        /may not be called "\.\.?": give it another host\.id/,
      );
    }
  }
  const paths = ids.map((id) => `/api/v1/hosts/${encodeURIComponent(id)}`);
  for (const [index, path] of paths.entries()) {
    assert.equal((await get(url, path)).host.id, ids[index]);
    assert.deepEqual(await get(url, `${path}/events`), []);
    assert.equal((await get(url, `${path}/series?metric=load`)).series.length, 1);
  }
});
