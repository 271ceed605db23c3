/** Hostile questions never upset the collector, and no answer without the seal of this host's token is ever believed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { Refused } from '../../../agent/collector/admission/body.ts';
import { questionIn } from '../../../agent/collector/confirm/question.ts';
import { authorization, keyOfToken, SEAL_HEADER } from '../../../agent/confirm/wire/acknowledgement.ts';
import { talk } from '../../../agent/confirm/witnesses/collector-talk.ts';
import { Credentials } from '../../../agent/report/delivery/credentials.ts';
import { collector } from '../../parts/collector-wire.ts';
import { scratch } from '../../parts/scratch.ts';

const hex = fc.stringMatching(/^[0-9a-f]{32}$/);
const mostly = <T>(arbitrary: fc.Arbitrary<T>) => fc.oneof({ weight: 12, arbitrary }, fc.anything());
/** A question of which some parts are anything. */
const question = fc.record({
  nonce: mostly(hex),
  change: mostly(fc.constant('3f9c')),
  host: mostly(fc.constant('id-of-a')),
  inbound: mostly(fc.constant(null)),
  behind: mostly(fc.array(fc.stringMatching(/^[a-z]{1,9}$/), { maxLength: 8 })),
  filling: mostly(fc.string()),
});
const body = fc.oneof(
  { weight: 8, arbitrary: question.map((one) => Buffer.from(textOf(one))) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 1, arbitrary: fc.json().map((text) => Buffer.from(text)) },
);

function textOf(value: unknown): string {
  const plain = (_: string, one: unknown) => (typeof one === 'bigint' ? String(one) : one);
  try {
    return JSON.stringify(value, plain) ?? '';
  } catch {
    return '{';
  }
}

test('acknowledgement fuzz: what is read from a question is as declared, and anything else is refused', () => {
  let read = 0;
  fc.assert(
    fc.property(body, (bytes) => {
      try {
        const { nonce, change, host, inbound, behind, filling } = questionIn(bytes);
        assert.match(nonce, /^[0-9a-f]{32}$/);
        assert.match(change, /^[0-9a-z]{4,64}$/);
        assert.ok(host.length > 0 && behind.length <= 8 && behind.every((name) => typeof name === 'string'));
        assert.ok(inbound === null || (Number.isInteger(inbound) && inbound > 0 && inbound < 65_536));
        assert.equal(typeof filling, 'string');
        read += 1;
      } catch (error) {
        assert.ok(error instanceof Refused, String(error));
      }
    }),
    { numRuns: 5_000 },
  );
  assert.ok(read > 500, `${read} good questions`);
});

test('acknowledgement fuzz: the collector answers every sealed or unsealed question, and goes on', async (t) => {
  const { url } = await collector(t, { tokenFile: join(scratch(t, { token: 'secret\n' }), 'token') });
  const key = keyOfToken('secret');
  const answers = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(body, fc.constantFrom('good', 'good', 'good', 'other', 'none'), async (bytes, seal) => {
      const given = seal === 'none' ? '' : authorization(seal === 'good' ? key : keyOfToken('x'), bytes);
      const headers = { 'content-type': 'application/json', authorization: given };
      const response = await fetch(`${url}/v1/confirm`, { method: 'POST', body: bytes, headers });
      await response.arrayBuffer();
      answers.set(response.status, (answers.get(response.status) ?? 0) + 1);
      assert.ok([200, 400, 401, 409].includes(response.status), String(response.status));
      assert.equal(response.headers.has(SEAL_HEADER), seal === 'good', 'only whoever knows the token gets a seal');
    }),
    { numRuns: 300 },
  );
  assert.ok((answers.get(200) ?? 0) > 20 && (answers.get(400) ?? 0) > 20, JSON.stringify([...answers]));
});

test('acknowledgement fuzz: no answer is believed that another key, or none, has sealed', async (t) => {
  const tokenFile = join(scratch(t, { token: 'secret\n' }), 'token');
  const names = { tokenFile, ca: null, certificate: null, key: null };
  let next: { status: number; headers: Record<string, string>; body: Buffer };
  const server = createServer(async (request, response) => {
    for await (const _ of request);
    response.writeHead(next.status, next.headers).end(next.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const options = { endpoint, names, credentials: new Credentials(), hostId: 'id-of-a' };
  const status = fc.constantFrom(200, 200, 200, 204, 400, 401, 404, 500, 503);
  const sealed = fc.oneof(fc.constant(null), fc.constant(''), fc.stringMatching(/^[0-9a-f]{64}$/));
  await fc.assert(
    fc.asyncProperty(body, status, sealed, async (bytes, code, found) => {
      next = { status: code, headers: found === null ? {} : { [SEAL_HEADER]: found }, body: bytes };
      const asked = { change: '3f9c', behind: [], inbound: null };
      const { answer, heard } = await talk(options, asked, ['127.0.0.1'], AbortSignal.timeout(20_000));
      assert.equal(answer, null);
      assert.ok(heard.why !== null && heard.why.length < 500);
    }),
    { numRuns: 200 },
  );
});
