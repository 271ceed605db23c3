/** The talk of a host on trial with a real collector, and with everything else that may answer in the collector's place. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import {
  authorization,
  FILLING,
  keyOfToken,
  SEAL_HEADER,
  seal,
  type TalkQuestion,
} from '../../../agent/confirm/wire/acknowledgement.ts';
import { type Talk, talk } from '../../../agent/confirm/witnesses/collector-talk.ts';
import { Credentials } from '../../../agent/report/delivery/credentials.ts';
import { authority } from '../../parts/certificates.ts';
import { collector, heartbeat, send } from '../../parts/collector-wire.ts';
import { missing, scratch } from '../../parts/scratch.ts';

const CHANGE = '3f9c12ab';
const HOST = 'id-of-edge-1';
const NO_FILES = { tokenFile: null, ca: null, certificate: null, key: null };

interface Asking {
  readonly token?: string | null;
  readonly ca?: string | null;
  readonly change?: string;
  readonly behind?: readonly string[];
  readonly inbound?: number | null;
}

function ask(t: TestContext, endpoint: string, { token = 'secret', ca = null, ...asked }: Asking = {}): Promise<Talk> {
  const folder = scratch(t, { token: `${token}\n` });
  const names = { ...NO_FILES, ca, tokenFile: token === null ? null : join(folder, 'token') };
  const { change = CHANGE, behind = [], inbound = null } = asked;
  const options = { endpoint, names, credentials: new Credentials(), hostId: HOST };
  return talk(options, { change, behind, inbound }, ['127.0.0.1'], AbortSignal.timeout(20_000));
}

async function real(t: TestContext, token: string | null = 'secret') {
  if (token === null) return (await collector(t)).url;
  return (await collector(t, { tokenFile: join(scratch(t, { token: `${token}\n` }), 'token') })).url;
}

type Answering = (question: TalkQuestion, response: ServerResponse, request: IncomingMessage, body: Buffer) => void;

/** A server that is none of ours. */
async function other(t: TestContext, answering: Answering): Promise<string> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    answering(JSON.parse(body.toString()), response, request, body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An answer as the collector writes it. */
function answerTo(question: TalkQuestion, more = {}): Buffer {
  const { nonce, change, host, filling } = question;
  return Buffer.from(
    JSON.stringify({ nonce, change, host, address: '127.0.0.1', inbound: null, behind: [], filling, ...more }),
  );
}

function sealedBy(token: string, body: Buffer) {
  return { [SEAL_HEADER]: seal(keyOfToken(token), 'answer', body) };
}

test('acknowledgement: a collector that knows the token acknowledges the change', async (t) => {
  const { answer, heard } = await ask(t, await real(t));
  assert.deepEqual(heard, { reached: true, why: null });
  assert.equal(answer!.change, CHANGE);
  assert.equal(answer!.address, '127.0.0.1');
  assert.equal(answer!.filling.length, FILLING.length);
});

test('acknowledgement: without a token, a collector on this host itself is believed, and no other by http', async (t) => {
  assert.equal((await ask(t, await real(t, null), { token: null })).heard.why, null);
  const { heard } = await ask(t, 'http://collector.example.com:4318', { token: null });
  assert.equal(heard.reached, false);
  assert.match(heard.why!, /without a token, so anyone could answer/);
});

test('acknowledgement: hosts behind a router are told with the age of their last heartbeat', async (t) => {
  const url = await real(t);
  await send(url, heartbeat({ host: 'Behind-1' }), { token: 'secret' });
  const { answer } = await ask(t, url, { behind: ['behind-1', 'id-of-Behind-1', 'nobody'] });
  const [byName, byId, nobody] = answer!.behind;
  assert.equal(byName!.name, 'behind-1');
  assert.ok(byName!.age! < 10_000);
  assert.deepEqual([byName!.silent, byId!.silent], [false, false]);
  assert.deepEqual(nobody, { name: 'nobody', age: null, silent: true });
});

test('acknowledgement: a port of the loopback is not tried', async (t) => {
  const { answer } = await ask(t, await real(t), { inbound: 22 });
  assert.match(answer!.inbound!.why!, /own machine/);
});

test('acknowledgement: a collector with another token refuses, and says why', async (t) => {
  const { heard } = await ask(t, await real(t), { token: 'wrong' });
  assert.deepEqual(heard, {
    reached: true,
    why: 'the collector refuses: the seal is by no token that the collector knows',
  });
  const without = await ask(t, await real(t), { token: null });
  assert.match(without.heard.why!, /needs a seal/);
  const tokenless = await ask(t, await real(t, null));
  assert.match(tokenless.heard.why!, /the collector knows none: start it with --token-file/);
});

const FORGERIES: readonly (readonly [string, Answering, RegExp])[] = [
  [
    'an empty 200',
    (_, response) => response.end(),
    /no collector of Holdfast answers there \(status 200, and no seal\)/,
  ],
  ['a log-in page', (_, response) => response.end('<html>log in</html>'), /no collector of Holdfast/],
  [
    "an OTLP receiver's 200",
    (_, response) => response.setHeader('content-type', 'application/json').end('{"partialSuccess":{}}'),
    /no collector of Holdfast/,
  ],
  ['404', (_, response) => response.writeHead(404).end('{}'), /no collector of Holdfast answers there \(status 404/],
  ['a redirect', (_, response) => response.writeHead(302, { location: '/' }).end(), /status 302/],
  ['401 of a proxy', (_, response) => response.writeHead(401).end('no'), /it does not know this host's token/],
  ['an answer without a seal', (q, response) => response.end(answerTo(q)), /status 200, and no seal/],
  [
    'the echo of the question',
    (_, response, __, body) => response.setHeader(SEAL_HEADER, 'x').end(body),
    /not sealed with this host's token/,
  ],
  [
    'the seal of the question on the question',
    (_, response, { headers }, body) =>
      response.setHeader(SEAL_HEADER, headers.authorization!.split('.')[1]!).end(body),
    /not sealed with this host's token/,
  ],
  [
    'a seal by another token',
    (q, response) => response.writeHead(200, sealedBy('other', answerTo(q))).end(answerTo(q)),
    /not sealed with this host's token/,
  ],
  [
    'a sealed answer that was changed',
    (q, response) => response.writeHead(200, sealedBy('secret', answerTo(q))).end(answerTo(q, { address: '10.0.0.9' })),
    /not sealed with this host's token/,
  ],
  [
    'an acknowledgement of another change',
    (q, response) => {
      const body = answerTo(q, { change: 'ffff0000' });
      response.writeHead(200, sealedBy('secret', body)).end(body);
    },
    /it acknowledges another change/,
  ],
  [
    'an acknowledgement for another host',
    (q, response) => {
      const body = answerTo(q, { host: 'id-of-edge-2' });
      response.writeHead(200, sealedBy('secret', body)).end(body);
    },
    /it acknowledges a change of another host/,
  ],
  [
    'an answer without its filling',
    (q, response) => {
      const body = answerTo(q, { filling: '' });
      response.writeHead(200, sealedBy('secret', body)).end(body);
    },
    /its answer is not whole/,
  ],
  [
    'a sealed text that is no answer',
    (_, response) => {
      const body = Buffer.from('{"behind":7}');
      response.writeHead(200, sealedBy('secret', body)).end(body);
    },
    /its answer is no acknowledgement/,
  ],
];

for (const [what, answering, why] of FORGERIES) {
  test(`acknowledgement: ${what} is none`, async (t) => {
    const { answer, heard } = await ask(t, await other(t, answering));
    assert.equal(answer, null);
    assert.equal(heard.reached, true);
    assert.match(heard.why!, why);
    assert.equal(heard.foreign ?? false, /no collector of Holdfast/.test(heard.why!));
  });
}

test('acknowledgement: the answer to an earlier question is none', async (t) => {
  const url = await real(t);
  let kept: { headers: Record<string, string>; body: Buffer } | null = null;
  const relay = await other(t, async (_, response, { headers }, body) => {
    if (kept === null) {
      const { authorization = '' } = headers;
      const type = { 'content-type': 'application/json' };
      const real = await fetch(`${url}/v1/confirm`, { method: 'POST', body, headers: { ...type, authorization } });
      kept = {
        headers: { [SEAL_HEADER]: real.headers.get(SEAL_HEADER)! },
        body: Buffer.from(await real.arrayBuffer()),
      };
    }
    response.writeHead(200, kept.headers).end(kept.body);
  });
  assert.equal((await ask(t, relay)).heard.why, null);
  assert.match((await ask(t, relay)).heard.why!, /an old answer was sent again/);
});

test('acknowledgement: whoever answers gets no token', async (t) => {
  const seen: string[] = [];
  const url = await other(t, (_, response, { headers }, body) => {
    seen.push(JSON.stringify(headers), body.toString());
    response.end();
  });
  await ask(t, url, { token: 'my-very-secret-token' });
  assert.equal(seen.length, 2);
  assert.doesNotMatch(seen.join(), /secret/);
});

test('acknowledgement: each question comes by a new connection', async (t) => {
  const sockets = new Set<unknown>();
  const url = await other(t, (q, response, { socket }) => {
    sockets.add(socket);
    response.writeHead(200, sealedBy('secret', answerTo(q))).end(answerTo(q));
  });
  for (let n = 0; n < 3; n += 1) assert.equal((await ask(t, url)).heard.why, null);
  assert.equal(sockets.size, 3);
});

test('acknowledgement: a refused connection proves the path, and a connection without an answer does not', async (t) => {
  const server = createTcpServer(() => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const options = { endpoint, names: NO_FILES, credentials: new Credentials(), hostId: HOST };
  const asked = { change: CHANGE, behind: [], inbound: null };
  const mute = await talk(options, asked, ['127.0.0.1'], AbortSignal.timeout(300));
  assert.deepEqual(mute.heard, { reached: false, why: 'no answer in time' });
  server.close();
  const { heard } = await ask(t, endpoint);
  assert.equal(heard.reached, true);
  assert.match(heard.why!, /ECONNREFUSED/);
});

test('acknowledgement: each question makes a whole TLS handshake; a wrong certificate proves the path only', {
  skip: missing('openssl'),
}, async (t) => {
  const folder = scratch(t);
  authority(folder);
  const file = (name: string) => join(folder, name);
  const resumed: boolean[] = [];
  const server = createSecureServer(
    { cert: readFileSync(file('server.pem')), key: readFileSync(file('server.key')) },
    async (request, response) => {
      resumed.push((request.socket as TLSSocket).isSessionReused());
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const body = answerTo(JSON.parse(Buffer.concat(chunks).toString()));
      response.writeHead(200, sealedBy('secret', body)).end(body);
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (let n = 0; n < 3; n += 1) assert.equal((await ask(t, url, { ca: file('ca.pem') })).heard.why, null);
  assert.deepEqual(resumed, [false, false, false]);
  const { answer, heard } = await ask(t, url, { ca: file('stranger.pem') });
  assert.equal(answer, null);
  assert.equal(heard.reached, true, heard.why!);
  assert.match(heard.why!, /certificate/);
});

/** A question as a host sends it, with parts that are wrong. */
async function post(url: string, parts: Record<string, unknown>, more: { body?: string; headers?: object } = {}) {
  const nonce = Array.from({ length: 32 }, () => Math.floor(Math.random() * 16).toString(16)).join('');
  const whole = { nonce, change: CHANGE, host: HOST, inbound: null, behind: [], filling: '', ...parts };
  const body = Buffer.from(more.body ?? JSON.stringify(whole));
  const headers = {
    'content-type': 'application/json',
    authorization: authorization(keyOfToken('secret'), body),
    ...more.headers,
  };
  const response = await fetch(`${url}/v1/confirm`, { method: 'POST', body, headers });
  return { status: response.status, said: (await response.json()) as { confirm: string } };
}

test('acknowledgement: the collector refuses a question that it got before', async (t) => {
  const url = await real(t);
  const nonce = '0123456789abcdef0123456789abcdef';
  assert.equal((await post(url, { nonce })).status, 200);
  assert.deepEqual(await post(url, { nonce }), { status: 409, said: { confirm: 'this question was asked before' } });
});

test('acknowledgement: the collector refuses what is no question, and names the part', async (t) => {
  const url = await real(t);
  const wrong: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ nonce: 'short' }, /nonce/],
    [{ nonce: 7 }, /nonce/],
    [{ change: '' }, /change/],
    [{ change: '../x' }, /change/],
    [{ host: '' }, /host/],
    [{ host: 'x'.repeat(300) }, /host/],
    [{ inbound: 0 }, /inbound/],
    [{ inbound: 65_536 }, /inbound/],
    [{ inbound: '22' }, /inbound/],
    [{ inbound: 2.5 }, /inbound/],
    [{ behind: 'web' }, /behind/],
    [{ behind: Array(9).fill('web') }, /behind/],
    [{ behind: [7] }, /behind/],
    [{ filling: 7 }, /filling/],
  ];
  for (const [parts, named] of wrong) {
    const { status, said } = await post(url, parts);
    assert.equal(status, 400, JSON.stringify(parts));
    assert.match(said.confirm, named);
  }
  for (const body of ['', 'null', '[', '7']) assert.equal((await post(url, {}, { body })).status, 400, body);
  assert.equal((await post(url, { filling: 'x'.repeat(40_000) })).status, 413);
  assert.equal((await post(url, {}, { headers: { 'content-type': 'text/plain' } })).status, 415);
  assert.equal((await post(url, {}, { headers: { 'content-encoding': 'gzip' } })).status, 415, 'a bomb has no seal');
  assert.equal((await fetch(`${url}/v1/confirm`)).status, 405);
  const { status } = await post(url, {}, { headers: { authorization: 'Bearer secret' } });
  assert.equal(status, 401, 'the token alone is no seal');
});

test('acknowledgement: a question without a length is not read', async (t) => {
  const url = await real(t);
  const stream = new ReadableStream({
    start(controller) {
      controller.enqueue(Buffer.from('{}'));
      controller.close();
    },
  });
  const headers = { 'content-type': 'application/json' };
  const options = { method: 'POST', body: stream, headers, duplex: 'half' } as RequestInit;
  assert.equal((await fetch(`${url}/v1/confirm`, options)).status, 413);
});
