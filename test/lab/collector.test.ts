/** A killed collector has all that it acknowledged. Also: who may send to it, and how it ends. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import type { HostAnswer, HostEvent, SeriesAnswer } from '../../agent/collector/api.ts';
import { startCollector } from '../../agent/collector/start-collector.ts';
import { collector, event, get, heartbeat, send } from '../parts/collector-wire.ts';
import { Log } from '../parts/lab/log.ts';
import { REPOSITORY } from '../parts/repository.ts';
import { missing, scratch } from '../parts/scratch.ts';

test('collector: killed with -9 again and again, it has all that it acknowledged, and each event once', async (t) => {
  const data = scratch(t);
  const acknowledged = { beats: [] as number[], events: [] as string[] };
  const start = Date.now() - 3_600_000;
  let sequence = 0;
  for (let round = 0; round < 4; round += 1) {
    const { child, url } = await run(t, data);
    const sending = (async () => {
      for (;;) {
        const number = ++sequence;
        const beat = heartbeat({ time: start + number * 1000, sequence: number, routes: number });
        if ((await send(url, beat)).status === 200) acknowledged.beats.push(number);
        // Every event is sent twice, as by a host that did not see the first answer.
        for (const _ of [1, 2])
          await send(url, event('edge-1', `r-${number}`, { body: `${number}` }), { signal: 'logs' });
        acknowledged.events.push(`${number}`);
        if (acknowledged.beats.length % 40 === 0) child.kill('SIGKILL');
      }
    })();
    // It ends by the collector's death, in the middle of a request.
    await assert.rejects(sending);
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
  const { child, url } = await run(t, data);
  const path = '/api/v1/hosts/id-of-edge-1';
  const query = `metric=system.network.route.count&from=${start}&points=5000`;
  const { series }: SeriesAnswer = await get(url, `${path}/series?${query}`);
  const points = series.find(({ attributes }) => attributes['network.type'] === 'ipv4')!.points;
  const stored = new Map(points);
  assert.ok(acknowledged.beats.length >= 160);
  for (const number of acknowledged.beats) assert.equal(stored.get(start + number * 1000), number);
  const bodies = ((await get(url, `${path}/events?limit=1000`)) as HostEvent[]).map(({ body }) => body);
  assert.equal(new Set(bodies).size, bodies.length);
  for (const body of acknowledged.events) assert.ok(bodies.includes(body));
  const { host }: HostAnswer = await get(url, path);
  assert.ok(host.routes.ipv4!.count >= acknowledged.beats.at(-1)!);
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('collector: a second collector of one database is refused', async (t) => {
  const data = scratch(t);
  await collector(t, { data });
  await assert.rejects(collector(t, { data }), /collector\.db cannot be used: another collector is using it/);
});

test('collector: beyond this machine it listens only with a token or client certificates', async (t) => {
  for (const listen of ['0.0.0.0:0', '[::]:0', '192.0.2.1:0', 'example.com:0']) {
    await assert.rejects(startCollector({ listen, data: scratch(t), version: '0' }), /refused to listen/);
  }
  await assert.rejects(startCollector({ listen: '4318', data: scratch(t), version: '0' }), /is not HOST:PORT/);
});

test('collector: without the token only the page and /healthz are served, and a new token counts without a restart', async (t) => {
  const folder = scratch(t, { token: 'first\n' });
  const { url } = await collector(t, { listen: '0.0.0.0:0', tokenFile: join(folder, 'token') });
  const open = ['/', '/page.js', '/healthz'];
  const closed = ['/api/v1/hosts', '/api/v1/stream', '/metrics', '/./api/v1/hosts', '/v1/metrics', '/x'];
  for (const path of open) assert.equal((await fetch(`${url}${path}`)).status, 200, path);
  for (const path of closed) assert.equal((await fetch(`${url}${path}`)).status, 401, path);
  assert.equal((await send(url, heartbeat())).status, 401);
  assert.equal((await send(url, heartbeat(), { token: 'wrong' })).status, 401);
  assert.equal((await send(url, heartbeat(), { token: 'first' })).status, 200);
  writeFileSync(join(folder, 'token'), 'second\nthird\n');
  for (let left = 100; left > 0 && (await send(url, heartbeat(), { token: 'third' })).status !== 200; left -= 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.equal((await send(url, heartbeat(), { token: 'third' })).status, 200);
  assert.equal((await send(url, heartbeat(), { token: 'first' })).status, 401);
});

test('collector: with client certificates, a client without one gets no connection', {
  skip: missing('openssl'),
}, async (t) => {
  const folder = scratch(t);
  const of = (name: string) => join(folder, name);
  const openssl = (line: string) => execFileSync('openssl', line.split(' '), { cwd: folder, stdio: 'ignore' });
  openssl(
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=ca',
  );
  for (const name of ['server', 'client']) {
    openssl(
      `req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ${name}.key -out ${name}.csr -subj /CN=localhost`,
    );
    openssl(`x509 -req -in ${name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out ${name}.pem -days 2`);
  }
  const { url } = await collector(t, {
    certificate: of('server.pem'),
    key: of('server.key'),
    clientCa: of('ca.pem'),
  });
  assert.match(url, /^https:/);
  const client = { ca: of('ca.pem'), cert: of('client.pem'), key: of('client.key') };
  assert.equal(await askedWith(url, client), 200);
  await assert.rejects(askedWith(url, { ca: client.ca }), /alert|ECONNRESET|certificate/);
});

test('collector: a certificate that is renewed is shown without a restart; one that does not fit its key is told once, and the old one stays', {
  skip: missing('openssl'),
}, async (t) => {
  const folder = scratch(t);
  const of = (name: string) => join(folder, name);
  const renew = (subject: string, key = 'key.pem') =>
    execFileSync(
      'openssl',
      `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ${key} -out new.pem -days 2 -subj /CN=${subject}`.split(
        ' ',
      ),
      { cwd: folder, stdio: 'ignore' },
    );
  const place = () => renameSync(of('new.pem'), of('cert.pem'));
  renew('first');
  place();
  const log: string[] = [];
  const options = { certificate: of('cert.pem'), key: of('key.pem'), log: (line: string) => log.push(line) };
  const { url } = await collector(t, options);
  assert.equal(await subjectAt(url), 'first');
  renew('misfit', 'other.pem');
  place();
  while (log.length === 0) await pause(50);
  await pause(2_500);
  assert.equal(log.length, 1);
  assert.match(log[0]!, /is not in force .*key\.pem cannot be used: this key does not belong to the certificate/);
  assert.equal(await subjectAt(url), 'first');
  renew('second');
  place();
  while ((await subjectAt(url)) !== 'second') await pause(50);
  while (log.length < 2) await pause(50);
  assert.match(log[1]!, /^over: A file has changed/);
});

test('collector: a token file that is gone is told once, and the tokens that were read last are in force', async (t) => {
  const folder = scratch(t, { token: 'first\n' });
  const log: string[] = [];
  const { url } = await collector(t, { tokenFile: join(folder, 'token'), log: (line) => log.push(line) });
  rmSync(join(folder, 'token'));
  while (log.length === 0) await pause(50);
  await pause(2_500);
  assert.equal(log.length, 1);
  assert.match(log[0]!, /is not in force .*token cannot be used: ENOENT/);
  assert.equal((await send(url, heartbeat(), { token: 'first' })).status, 200);
  writeFileSync(join(folder, 'token'), 'second\n');
  while ((await send(url, heartbeat(), { token: 'second' })).status !== 200) await pause(50);
  while (log.length < 2) await pause(50);
  assert.match(log[1]!, /^over: /);
});

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The common name of the certificate that the server shows. */
function subjectAt(url: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const { hostname: host, port } = new URL(url);
    const socket = connect({ host, port: Number(port), rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().subject.CN);
      socket.destroy();
    }).once('error', reject);
  });
}

/** The status of the answer to a client with these files. */
function askedWith(url: string, files: Readonly<Record<string, string>>): Promise<number | undefined> {
  const texts = Object.fromEntries(Object.entries(files).map(([name, file]) => [name, readFileSync(file)]));
  return new Promise((resolve, reject) => {
    const asked = request(`${url}/healthz`, { ...texts, servername: 'localhost' }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode));
    });
    asked.once('error', reject).end();
  });
}

async function run(t: TestContext, data: string): Promise<{ child: ChildProcess; url: string }> {
  const options = ['collector', '--listen', '127.0.0.1:0', '--data', data];
  const child = spawn(process.execPath, [join(REPOSITORY, 'agent/cli.ts'), ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const line = await new Log(child.stdout!).until(/listens on/);
  return { child, url: line.replace(/.* on /, '').trim() };
}
