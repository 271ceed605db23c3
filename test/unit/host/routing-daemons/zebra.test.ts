/** zebra is asked over its vty socket, and whatever it answers, the agent goes on. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ControlSocketError } from '../../../../agent/host/routing-daemons/control-socket.ts';
import { markOf, parseSummary, Zebra } from '../../../../agent/host/routing-daemons/zebra.ts';
import { scratch } from '../../../parts/scratch.ts';
import { eachQuestion, unixServer } from '../../../parts/unix-server.ts';

const never = new AbortController().signal;
const END = (status = 0) => Buffer.from([0, 0, 0, status]);

/** As FRR 8.4 answers. */
const SUMMARY = JSON.stringify(
  {
    routes: [
      { fib: 1, rib: 1, fibOffLoaded: 0, fibTrapped: 0, type: 'kernel' },
      { fib: 2, rib: 2, fibOffLoaded: 0, fibTrapped: 0, type: 'connected' },
      { fib: 4, rib: 5, fibOffLoaded: 0, fibTrapped: 0, type: 'static' },
      { fib: 30, rib: 40, fibOffLoaded: 0, fibTrapped: 0, type: 'ebgp' },
      { fib: 7, rib: 7, fibOffLoaded: 0, fibTrapped: 0, type: 'ibgp' },
      { fib: 3, rib: 3, type: 'table' },
    ],
    routesTotal: 58,
    routesTotalFib: 47,
  },
  null,
  2,
);
const COUNTS = [
  [196, 4],
  [186, 37],
  [11, 3],
];

async function zebra(t: TestContext, serve: (socket: Socket) => void, limits = { time: 2_000, bytes: 2 ** 20 }) {
  const opened = await Zebra.open(await unixServer(t, serve), never, limits);
  t.after(() => opened?.[Symbol.dispose]());
  return opened!;
}

function fault(code: ControlSocketError['code'], message: RegExp) {
  return (error: unknown) =>
    error instanceof ControlSocketError &&
    error.code === code &&
    message.test(error.message) &&
    /control/.test(error.message);
}

test('zebra: a summary has what zebra installed, by the mark that the kernel shows', async (t) => {
  const asked: string[] = [];
  const one = await zebra(t, (socket) =>
    eachQuestion(socket, '\0', (question) => {
      asked.push(question);
      // In the worst parts: a byte each.
      for (const byte of Buffer.concat([Buffer.from(SUMMARY), END()])) socket.write(Buffer.from([byte]));
    }),
  );
  assert.deepEqual([...(await one.installed('ipv4', null))!], COUNTS);
  assert.deepEqual([...(await one.installed('ipv6', 'red'))!], COUNTS);
  assert.deepEqual(asked, ['show ip route summary json', 'show ipv6 route vrf red summary json']);
});

test('zebra: routes that zebra only lists have no mark', () => {
  assert.deepEqual(['kernel', 'connected', 'local'].map(markOf), [null, null, null]);
  assert.deepEqual(['ospf6', 'ibgp', 'nhg', 'a new type'].map(markOf), [188, 186, 11, 11]);
  assert.deepEqual([...parseSummary('')], []);
});

test('zebra: a VRF that zebra does not know is no fault', async (t) => {
  const one = await zebra(t, (socket) =>
    eachQuestion(socket, '\0', () => socket.write(Buffer.concat([Buffer.from('{}\n'), END(1)]))),
  );
  assert.equal(await one.installed('ipv4', 'blue'), null);
  await assert.rejects(one.installed('ipv4', null), fault('refused', /refused/));
});

test('zebra: a socket that is not there, or that nobody serves, is no zebra', async (t) => {
  const folder = scratch(t);
  assert.equal(await Zebra.open(join(folder, 'zebra.vty'), never), null);
  writeFileSync(join(folder, 'file'), '');
  assert.equal(await Zebra.open(join(folder, 'file'), never), null);
  assert.equal(await Zebra.open(join(folder, 'file', 'zebra.vty'), never), null);
});

/** As FRR 8.4 answers `show ip fib`. */
const FIB = `Codes: K - kernel route, C - connected, S - static, R - RIP,
       > - selected route, * - FIB route, q - queued, r - rejected, b - backup
       t - trapped, o - offload failure

B>* 0.0.0.0/0 [20/0] via 10.88.0.1, eth0, weight 1, 00:00:11
C>* 10.88.0.0/24 is directly connected, eth0, 00:00:11
K>* 10.9.0.0/16 [0/0] via 10.88.0.1, eth0, 00:00:11
B>* 20.0.0.0/24 [20/0] via 10.88.0.1, eth0, weight 1, 00:00:09
  *                    via 10.88.0.3, eth0, weight 1, 00:00:09
B>  20.0.1.0/24 [200/0] via 10.1.1.1 (recursive), weight 1, 00:00:09
  *                       via 10.88.0.1, eth0, weight 1, 00:00:09
B>r 20.0.2.0/24 [20/0] via 10.88.0.1, eth0, weight 1, 00:00:09
B>o 20.0.3.0/24 [20/0] via 10.88.0.1, eth0, weight 1, 00:00:09
B   20.0.4.0/24 [20/0] via 10.88.0.1, eth0, weight 1, 00:00:09
O[7]>* 20.0.5.0/24 [110/20] via 10.88.0.1, eth0, weight 1, 00:00:09
T[42]>* 20.0.6.0/24 [15/0] via 10.88.0.1, eth0, weight 1, 00:00:09
S>* 20.0.7.0/24 [1/0] unreachable (blackhole), weight 1, 00:00:09
`;

test('zebra: the routes that the kernel took, each once', async (t) => {
  const one = await zebra(t, (socket) =>
    eachQuestion(socket, '\0', (question) => {
      assert.equal(question, 'show ip fib vrf red');
      for (const byte of Buffer.concat([Buffer.from(FIB), END()])) socket.write(Buffer.from([byte]));
    }),
  );
  const found: string[] = [];
  await one.routes('ipv4', 'red', (prefix, mark) => found.push(`${mark} ${prefix}`));
  assert.deepEqual(found, [
    '186 0.0.0.0/0',
    '186 20.0.0.0/24',
    '186 20.0.1.0/24',
    '186 20.0.3.0/24',
    '188 20.0.5.0/24',
    '11 20.0.6.0/24',
    '196 20.0.7.0/24',
  ]);
});

test('zebra: a list of routes that is one endless line, or breaks off, is given up', async (t) => {
  const endless = await zebra(t, (socket) =>
    eachQuestion(socket, '\0', () => socket.write(`B>* ${'1'.repeat(2 ** 21)}`)),
  );
  await assert.rejects(
    endless.routes('ipv6', null, () => assert.fail('no route')),
    fault('too-long', /MiB/),
  );
  const broken = await zebra(t, (socket) => eachQuestion(socket, '\0', () => socket.end(FIB)));
  await assert.rejects(
    broken.routes('ipv4', null, () => {}),
    fault('closed', /before the end/),
  );
});

const RUBBISH: Record<string, string> = {
  text: 'zebra> ',
  'a list': '[]',
  nothing: 'null',
  'no types': '{"routes":{}}',
  'a type without a number': '{"routes":[{"type":"static"}]}',
  'a type that is null': '{"routes":[null]}',
  'a negative number': '{"routes":[{"type":"static","fib":-1}]}',
  'a broken number': '{"routes":[{"type":"static","fib":1e300}]}',
  'many types': JSON.stringify({ routes: Array(1000).fill({ type: 'static', fib: 1 }) }),
  'an unfinished document': SUMMARY.slice(0, 200),
};
for (const [what, text] of Object.entries(RUBBISH)) {
  test(`zebra: ${what} in place of a summary is named`, async (t) => {
    const one = await zebra(t, (socket) =>
      eachQuestion(socket, '\0', () => socket.write(Buffer.concat([Buffer.from(text), END()]))),
    );
    await assert.rejects(one.installed('ipv4', null), fault('rubbish', /no summary/));
  });
}

test('zebra: a daemon that hangs is given up', async (t) => {
  const one = await zebra(t, () => {}, { time: 50, bytes: 100 });
  await assert.rejects(one.installed('ipv4', null), fault('silent', /within 0.05 s/));
});

test('zebra: an answer that never ends is given up', async (t) => {
  const endless = (socket: Socket) => {
    const more = () => {
      while (socket.writable && socket.write(Buffer.alloc(65_536, ' ')));
    };
    socket.on('drain', more);
    more();
  };
  const one = await zebra(t, endless);
  await assert.rejects(one.installed('ipv4', null), fault('too-long', /longer than 1 MiB/));
});

test('zebra: a connection that closes midway is named, also before the first question', async (t) => {
  const midway = await zebra(t, (socket) => eachQuestion(socket, '\0', () => socket.end(SUMMARY)));
  await assert.rejects(midway.installed('ipv4', null), fault('closed', /before the end/));
  const atOnce = await zebra(t, (socket) => socket.destroy());
  await assert.rejects(atOnce.installed('ipv4', null), fault('closed', /closed|broke/));
  // Nothing is left that could fail later.
  await assert.rejects(atOnce.installed('ipv4', null), fault('closed', /closed|broke/));
});

test('zebra: an end that is not that of zebra is named', async (t) => {
  for (const end of [Buffer.from([0, 1, 0, 0]), Buffer.from([0, 0, 0, 0, 65])]) {
    const one = await zebra(t, (socket) =>
      eachQuestion(socket, '\0', () => socket.write(Buffer.concat([Buffer.from(SUMMARY), end]))),
    );
    await assert.rejects(one.installed('ipv4', null), fault('rubbish', /does not end/));
  }
});

test('zebra: the caller can give up', async (t) => {
  const path = await unixServer(t, () => {});
  const stop = new AbortController();
  using one = (await Zebra.open(path, stop.signal))!;
  const answer = one.installed('ipv4', null);
  stop.abort();
  await assert.rejects(answer, { name: 'AbortError' });
  await assert.rejects(Zebra.open(path, stop.signal), { name: 'AbortError' });
});
