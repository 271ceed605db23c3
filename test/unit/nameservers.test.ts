import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { Host } from '../../agent/host/host.ts';
import { nameserversProbe } from '../../probes/nameservers.ts';
import { scratch } from './scratch.ts';

/** A name server that answers every question with this code (RFC 1035, 4.1.1), or not at all. */
async function server(t: TestContext, rcode: number | null): Promise<{ address: string; questions: string[] }> {
  const socket = createSocket('udp4');
  const questions: string[] = [];
  socket.on('message', (message, from) => {
    const end = message.indexOf(0, 12) + 5;
    questions.push(message.toString('latin1', 12, end).replace(/[^a-z]+/g, '.'));
    if (rcode === null) return;
    const answer = Buffer.from(message.subarray(0, end));
    answer.writeUInt16BE(0x8180 | rcode, 2);
    answer.writeUInt16BE(0, 10); // no additional section
    socket.send(answer, from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => socket.close());
  return { address: `127.0.0.1:${socket.address().port}`, questions };
}

const DNS = {
  domain: null,
  search: ['example.com'],
  sortlist: null,
  options: null,
  symlink: 'refuse',
  verify: null,
} as const;

async function look(host: Host, nameservers: string[] | null, search: readonly string[] | null = DNS.search) {
  const readings = await nameserversProbe(host, { ...DNS, search, nameservers }).read(AbortSignal.timeout(60_000));
  const up = readings.flatMap((one) =>
    one.kind === 'sample' && one.metric === 'holdfast.nameserver.up' ? [one.value] : [],
  );
  const durations = readings.filter((one) => one.kind === 'sample' && one.metric === 'holdfast.nameserver.duration');
  const bodies = readings.flatMap((one) => (one.kind === 'condition' ? [one.body] : []));
  return { up, durations, bodies };
}

test('each server by itself: what answers, what refuses, what is silent', async (t) => {
  const found = await server(t, 0);
  const unknown = await server(t, 3);
  const refuses = await server(t, 5);
  const fails = await server(t, 2);
  const silent = await server(t, null);
  const all = [found, unknown, refuses, fails, silent].map(({ address }) => address);
  const { up, durations, bodies } = await look(new Host({ root: scratch(t) }), all);
  assert.deepEqual(up, [1, 1, 0, 0, 0]);
  assert.equal(durations.length, 2);
  assert.deepEqual(
    bodies.map((body) => body.replace(/^The name server \S+ /, '')),
    ['refuses to answer this host.', 'fails to answer (SERVFAIL).', 'does not answer within 1.5 s.'],
  );
  assert.match(found.questions[0]!, /example.com/);
});

test('nobody listens there', async (t) => {
  const { up } = await look(new Host({ root: scratch(t) }), ['127.0.0.1:1']);
  assert.deepEqual(up, [0]);
});

test('without configured servers those of resolv.conf; without a domain the root', async (t) => {
  const one = await server(t, 0);
  const host = new Host({
    root: scratch(t, { 'etc/resolv.conf': `nameserver ${one.address}\nnameserver ${one.address}\n` }),
  });
  assert.deepEqual((await look(host, null, null)).up, [1]);
  assert.equal(one.questions.length, 1);
  assert.doesNotMatch(one.questions[0]!, /example/);
  assert.deepEqual((await look(new Host({ root: scratch(t) }), null)).up, []);
});

test('an address that is none is that server’s failure', async (t) => {
  const good = await server(t, 0);
  const host = new Host({ root: scratch(t, { 'etc/resolv.conf': `nameserver none\nnameserver ${good.address}\n` }) });
  assert.deepEqual((await look(host, null)).up, [0, 1]);
});
