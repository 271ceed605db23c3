/** The talk about a wave with a real collector, and with everything else that may answer in the collector's place. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import type { RolloutRow } from '../../../agent/collector/api.ts';
import { askWave, type WaveReply } from '../../../agent/confirm/waves/ask-wave.ts';
import { authorization, keyOfToken, SEAL_HEADER, seal } from '../../../agent/confirm/wire/acknowledgement.ts';
import { WAVES_PATH, type WaveQuestion } from '../../../agent/confirm/wire/wave-talk.ts';
import { Host } from '../../../agent/host/host.ts';
import { Credentials } from '../../../agent/report/delivery/credentials.ts';
import { sample } from '../../../probes/probe.ts';
import { collector, eventually, get, heartbeat, send } from '../../parts/collector-wire.ts';
import { scratch } from '../../parts/scratch.ts';

const CONFIGURATION = 'c'.repeat(64);
const ROLLOUT = `config-${'c'.repeat(12)}`;

function ask(t: TestContext, endpoint: string, name: string, { token = 'secret' as string | null, ...asked } = {}) {
  const folder = scratch(t, { token: `${token}\n` });
  const tokenFile = token === null ? null : join(folder, 'token');
  const names = { tokenFile, ca: null, certificate: null, key: null };
  const options = { endpoint, names, credentials: new Credentials(), hostId: `id-of-${name}` };
  const question = { change: '3f9c12ab', configuration: CONFIGURATION, rollout: null, within: 120_000, ...asked };
  return askWave(new Host(), options, question);
}

async function real(t: TestContext, ...hosts: string[]) {
  const folder = scratch(t, { token: 'secret\n', writers: 'may-write\n' });
  const files = { tokenFile: join(folder, 'token'), writeTokenFile: join(folder, 'writers') };
  const { url } = await collector(t, files);
  for (const host of hosts) await send(url, heartbeat({ host }), { token: 'secret' });
  return url;
}

/** A server that is none of ours. */
async function other(t: TestContext, answering: (question: WaveQuestion, response: ServerResponse) => void) {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    answering(JSON.parse(Buffer.concat(chunks).toString()), response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function answerTo({ nonce, change, host }: WaveQuestion, more = {}): Buffer {
  const said = { go: true, why: '', again: 5_000, admitted: 1, known: 3, rollout: 'r' };
  return Buffer.from(JSON.stringify({ nonce, change, host, ...said, ...more }));
}

function wait({ go, why }: WaveReply, expected: RegExp): void {
  assert.equal(go, false);
  assert.match(why, expected);
}

test('wave talk: the collector admits one host, tells the others why they wait, and counts from heartbeats', async (t) => {
  const url = await real(t, 'web-1', 'web-2', 'web-3');
  const first = await ask(t, url, 'web-1');
  assert.deepEqual(first, { go: true, why: '', again: 5_000, rollout: ROLLOUT, counts: { admitted: 1, known: 3 } });
  const second = await ask(t, url, 'web-2');
  wait(second, /^wave 1 of 4: 1 host \(1 without a result yet\)$/);
  const told = (standing: string) =>
    sample('holdfast.change.wave', 1, {
      'holdfast.change.id': '3f9c12ab',
      'holdfast.change.rollout': ROLLOUT,
      'holdfast.change.standing': standing,
    });
  const beat = heartbeat({ host: 'web-1', sequence: 2, more: [told('confirmed')] });
  await send(url, beat, { token: 'secret' });
  // The collector looks at what hosts report every 250 ms. A question may be repeated.
  while (!(await ask(t, url, 'web-2')).go) await new Promise((resolve) => setTimeout(resolve, 50));
});

test('wave talk: a rollout stops and goes on by the API, only with a token that may write', async (t) => {
  const url = await real(t, 'web-1');
  await ask(t, url, 'web-1');
  const post = (path: string, token: string) =>
    fetch(`${url}/api/v1/waves/${path}`, { method: 'POST', headers: { authorization: `Bearer ${token}` } });
  assert.equal((await post(`${ROLLOUT}/stop`, 'secret')).status, 403);
  assert.equal((await post(`${ROLLOUT}/stop`, 'wrong')).status, 401);
  assert.equal((await post('nothing/stop', 'may-write')).status, 404);
  const stopped = (await (await post(`${ROLLOUT}/stop`, 'may-write')).json()) as RolloutRow[];
  assert.deepEqual([stopped[0]!.id, stopped[0]!.stopped!.why], [ROLLOUT, 'an operator stopped it']);
  wait(await ask(t, url, 'web-1'), /the rollout was stopped: an operator stopped it/);
  const metrics = await (await fetch(`${url}/metrics`, { headers: { authorization: 'Bearer secret' } })).text();
  assert.match(metrics, new RegExp(`holdfast_rollout_stopped\\{rollout="${ROLLOUT}"\\} 1`));
  assert.equal((await post(`${ROLLOUT}/continue`, 'may-write')).status, 200);
  assert.equal((await ask(t, url, 'web-1')).go, true);
  assert.equal((await fetch(`${url}/api/v1/waves/${ROLLOUT}/stop?token=may-write`, { method: 'POST' })).status, 401);
});

test('wave talk: a rollout that stops is an event of the host whose change was put back', async (t) => {
  const { url } = await collector(t);
  await send(url, heartbeat({ host: 'web-1' }));
  await ask(t, url, 'web-1', { token: null });
  const attributes = { 'holdfast.change.id': '3f9c12ab', 'holdfast.change.rollout': ROLLOUT };
  const told = sample('holdfast.change.wave', 1, { ...attributes, 'holdfast.change.standing': 'put-back' });
  await send(url, heartbeat({ host: 'web-1', sequence: 2, more: [told] }));
  const [row] = await eventually(url, '/api/v1/waves', ([one]) => one.stopped !== null);
  assert.match(row.stopped.why, /^1 change was put back \(web-1\)$/);
  const { host, events } = await eventually(url, '/api/v1/hosts/id-of-web-1', (answer) => answer.events.length > 0);
  assert.equal(host.wave.standing, 'put-back');
  assert.equal(events[0].name, 'holdfast.rollout.stopped');
  assert.equal((await get(url, '/api/v1/summary')).rollouts[0].putBack, 1);
});

test('wave talk: a restart, also after a kill, loses no result that a heartbeat brought', async (t) => {
  const data = scratch(t);
  const told = (standing: string) =>
    sample('holdfast.change.wave', 1, {
      'holdfast.change.id': '3f9c12ab',
      'holdfast.change.rollout': ROLLOUT,
      'holdfast.change.standing': standing,
    });
  const rollout = async (url: string) => (await get(url, '/api/v1/waves'))[0] as RolloutRow;
  const first = await collector(t, { data });
  await send(first.url, heartbeat({ host: 'web-1' }));
  await ask(t, first.url, 'web-1', { token: null });
  await send(first.url, heartbeat({ host: 'web-1', sequence: 2, more: [told('confirmed')] }));
  await first.close();
  const database = () => new DatabaseSync(join(data, 'collector.db'));
  const closed = database();
  assert.equal(closed.prepare('SELECT standing FROM admitted').get()!.standing, 'confirmed', 'the end stores it');
  // A kill leaves the heartbeat on the disk, and no result.
  closed.exec("UPDATE admitted SET standing = 'admitted'");
  closed.close();
  const second = await collector(t, { data });
  assert.equal((await rollout(second.url)).confirmed, 1);
  assert.equal((await rollout(second.url)).stopped, null);
});

test('wave talk: a host without heartbeats waits, and is in no rollout', async (t) => {
  const url = await real(t, 'web-1');
  wait(await ask(t, url, 'stranger'), /no heartbeat of this host yet/);
  assert.equal((await ask(t, url, 'web-1')).counts!.admitted, 1);
});

test('wave talk: whoever cannot seal, and whatever is not the answer to this question, is not believed', async (t) => {
  const sealedBy = (token: string, kind: 'wave answer' | 'answer' | 'wave question', more = {}) =>
    other(t, (question, response) => {
      const body = answerTo(question, more);
      response.writeHead(200, { [SEAL_HEADER]: seal(keyOfToken(token), kind, body) }).end(body);
    });
  assert.equal((await ask(t, await sealedBy('secret', 'wave answer'), 'web-1')).go, true, 'the control');
  wait(await ask(t, await sealedBy('other', 'wave answer'), 'web-1'), /forged/);
  wait(await ask(t, await sealedBy('secret', 'answer'), 'web-1'), /forged/);
  wait(await ask(t, await sealedBy('secret', 'wave question'), 'web-1'), /forged/);
  wait(await ask(t, await sealedBy('secret', 'wave answer', { nonce: '0'.repeat(32) }), 'web-1'), /sent again/);
  wait(await ask(t, await sealedBy('secret', 'wave answer', { change: 'other' }), 'web-1'), /another change/);
  wait(await ask(t, await sealedBy('secret', 'wave answer', { host: 'other' }), 'web-1'), /another host/);
  wait(await ask(t, await sealedBy('secret', 'wave answer', { go: 'yes' }), 'web-1'), /no collector of Holdfast/);
  const proxy = await other(t, (_, response) => response.writeHead(200).end('{"go":true}'));
  wait(await ask(t, proxy, 'web-1'), /no collector of Holdfast answers there/);
  const old = await other(t, (_, response) => response.writeHead(404).end('{"error":"not found"}'));
  wait(
    await ask(t, old, 'web-1'),
    /^the collector gave no permission: .*; a collector of an earlier version knows no waves$/,
  );
  wait(await ask(t, 'http://127.0.0.1:9', 'web-1'), /ECONNREFUSED/);
  wait(await ask(t, 'http://192.0.2.1:4318', 'web-1', { token: null }), /without a token, so anyone could answer/);
});

test('wave talk: the time that the collector names is bounded on both sides', async (t) => {
  const naming = (again: number) =>
    other(t, (question, response) => {
      const body = answerTo(question, { go: false, why: 'x'.repeat(5_000), again });
      response.writeHead(200, { [SEAL_HEADER]: seal(keyOfToken('secret'), 'wave answer', body) }).end(body);
    });
  const soon = await ask(t, await naming(0), 'web-1');
  assert.deepEqual([soon.again, soon.why.length], [2_000, 300]);
  assert.equal((await ask(t, await naming(1e12), 'web-1')).again, 600_000);
});

test('wave talk: the collector refuses questions without a seal, of another kind, repeated or malformed', async (t) => {
  const url = await real(t, 'web-1');
  const question = { nonce: 'a'.repeat(32), change: '3f9c12ab', host: 'id-of-web-1', configuration: CONFIGURATION };
  const put = (content: object, kind: 'wave question' | 'question' | null) => {
    const body = Buffer.from(JSON.stringify({ ...question, rollout: null, within: 1, ...content }));
    const proof = kind === null ? {} : { authorization: authorization(keyOfToken('secret'), body, kind) };
    const headers = { 'content-type': 'application/json', ...proof };
    return fetch(url + WAVES_PATH, { method: 'POST', headers, body }).then(({ status }) => status);
  };
  assert.equal(await put({}, null), 401);
  assert.equal(await put({}, 'question'), 401);
  assert.equal(await put({ configuration: 'x' }, 'wave question'), 400);
  assert.equal(await put({ rollout: 'config-x' }, 'wave question'), 400);
  assert.equal(await put({ rollout: '../x' }, 'wave question'), 400);
  assert.equal(await put({ within: 1e9 }, 'wave question'), 400);
  assert.equal(await put({}, 'wave question'), 200);
  assert.equal(await put({}, 'wave question'), 409);
});
