/** What counts as an answer of an address: the connection, whatever becomes of it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { connectTime } from '../../../agent/nearest/measure.ts';

const { signal } = new AbortController();

test('connect times: an address that accepts and resets answers each time; one that refuses never does', async () => {
  const server = createServer((socket) => socket.resetAndDestroy()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  for (let n = 0; n < 100; n += 1) {
    assert.notEqual(await connectTime('127.0.0.1', port, signal), null, `number ${n}`);
  }
  server.close();
  await once(server, 'close');
  assert.equal(await connectTime('127.0.0.1', port, signal), null);
});
