/** A collector with several addresses is reached if one of them answers, however slowly, and whatever the others do. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connectAny, type Race } from '../../../../agent/report/delivery/connect.ts';

type Kind = 'good' | 'slow' | 'silent' | 'refusing' | 'unreachable';

/** Addresses are named after what they do; `slow` connects after a second. `tried`: in the order of the attempts. */
async function scene(t: TestContext): Promise<{ race: Race; tried: string[]; open: Set<Socket> }> {
  const server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const tried: string[] = [];
  const open = new Set<Socket>();
  const behaviours: Record<Kind, (socket: Socket) => unknown> = {
    good: (socket) => socket.connect(port, '127.0.0.1'),
    slow: (socket) => setTimeout(() => socket.destroyed || socket.connect(port, '127.0.0.1'), 1000),
    silent: () => {},
    refusing: (socket) => setImmediate(() => socket.destroy(new Error('connect ECONNREFUSED'))),
    unreachable: (socket) => setImmediate(() => socket.destroy(new Error('connect ENETUNREACH'))),
  };
  const race: Race = {
    resolve: async (host) => host.split(','),
    open: (address) => {
      tried.push(address);
      const socket = new Socket();
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      behaviours[address.replace(/\d/, '') as Kind](socket);
      return socket;
    },
  };
  return { race, tried, open };
}

for (const addresses of [
  'slow,unreachable',
  'unreachable,slow',
  'silent,slow',
  'slow,silent',
  'refusing,slow,silent',
  'silent1,silent2,silent3,slow',
  'slow',
]) {
  test(`connect: of ${addresses}, the slow one is reached and the others are closed`, async (t) => {
    const { race, open } = await scene(t);
    const socket = await connectAny({ host: addresses, port: 1 }, AbortSignal.timeout(60_000), null, race);
    assert.equal(socket.remoteAddress, '127.0.0.1');
    await new Promise(setImmediate);
    assert.deepEqual([...open], [socket]);
    socket.destroy();
  });
}

test('connect: a good address does not wait for a silent one before it', async (t) => {
  const { race, tried } = await scene(t);
  const socket = await connectAny({ host: 'silent,good,slow', port: 1 }, AbortSignal.timeout(60_000), null, race);
  assert.deepEqual(tried, ['silent', 'good']);
  socket.destroy();
});

test('connect: an address that took a connection without answering comes after all others', async (t) => {
  const { race, tried } = await scene(t);
  const target = { host: 'good,slow', port: 1 };
  (await connectAny(target, AbortSignal.timeout(60_000), 'good', race)).destroy();
  assert.deepEqual(tried, ['slow']);
  (await connectAny({ host: 'good', port: 1 }, AbortSignal.timeout(60_000), 'good', race)).destroy();
  assert.deepEqual(tried, ['slow', 'good'], 'the only one is tried');
});

test('connect: if no address answers, the error has every reason', async (t) => {
  const { race } = await scene(t);
  const attempt = connectAny({ host: 'refusing,unreachable', port: 1 }, AbortSignal.timeout(60_000), null, race);
  await assert.rejects(attempt, /^Error: connect ECONNREFUSED; connect ENETUNREACH$/);
});

test('connect: a cancelled attempt ends and leaves no socket', async (t) => {
  const { race, open } = await scene(t);
  const end = new AbortController();
  const attempt = connectAny({ host: 'silent1,silent2', port: 1 }, end.signal, null, race);
  await new Promise(setImmediate);
  end.abort(new Error('enough'));
  await assert.rejects(attempt, /enough/);
  await new Promise(setImmediate);
  assert.equal(open.size, 0);
});
