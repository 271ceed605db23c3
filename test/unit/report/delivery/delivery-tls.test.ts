/** TLS with certificates that openssl makes: the collector is known by a CA, the host by a certificate of its own. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Receiver } from '../../../parts/otlp-receiver.ts';
import { event, reporting, until } from '../../../parts/report-scene.ts';
import { missing, scratch } from '../../../parts/scratch.ts';

const skip = missing('openssl');

/** `ca.pem`, `stranger.pem`, and by one of them `server.pem`, `client.pem` … each with its `.key`. */
function authority(folder: string): void {
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  for (const ca of ['ca', 'stranger']) {
    openssl('req', '-x509', ...newKey, '-subj', `/CN=${ca}`, '-keyout', `${ca}.key`, '-out', `${ca}.pem`);
  }
  for (const [name, ca] of [
    ['server', 'ca'],
    ['client', 'ca'],
    ['impostor', 'stranger'],
  ] as const) {
    const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
    const by = ['-CA', `${ca}.pem`, '-CAkey', `${ca}.key`];
    openssl('req', '-x509', ...newKey, ...subject, ...by, '-keyout', `${name}.key`, '-out', `${name}.pem`);
  }
}

test('delivery: only the collector that the CA vouches for gets anything', { skip }, async (t) => {
  const folder = scratch(t);
  authority(folder);
  const file = (name: string) => join(folder, name);
  const tls = { cert: readFileSync(file('server.pem')), key: readFileSync(file('server.key')) };
  const receiver = await Receiver.start(t, { tls });
  const endpoint = `https://127.0.0.1:${receiver.port}`;

  const trusting = reporting(t, endpoint, { desired: { ca: file('ca.pem') } });
  trusting.reporter.event(event(1));
  await trusting.reporter.stop(20_000);
  assert.deepEqual(trusting.said, []);
  assert.equal(receiver.requests.length, 1);

  const lost = { 'another CA': file('stranger.pem'), 'no CA': null, 'a CA that is not there': file('none.pem') };
  for (const [what, ca] of Object.entries(lost)) {
    const { reporter, said } = reporting(t, endpoint, { desired: { ca } });
    reporter.event(event(1));
    await until(`${what} is told`, () => said.length > 0);
    await reporter.stop(0);
    assert.match(said[0]!, /certificate|signature|cannot read .*none\.pem/i, what);
  }
  assert.equal(receiver.requests.length, 1);
});

test('delivery: a collector that asks for a certificate; one that is renewed is used without a restart', {
  skip,
}, async (t) => {
  const folder = scratch(t);
  authority(folder);
  const file = (name: string) => join(folder, name);
  const read = (name: string) => readFileSync(file(name));
  const tls = { cert: read('server.pem'), key: read('server.key'), ca: read('ca.pem'), requestCert: true };
  const receiver = await Receiver.start(t, { tls: { ...tls, rejectUnauthorized: true } });
  const use = (name: string) => {
    for (const kind of ['pem', 'key']) copyFileSync(file(`${name}.${kind}`), file(`host.${kind}`));
  };
  use('impostor');
  const desired = { ca: file('ca.pem'), certificate: file('host.pem'), key: file('host.key') };
  const { reporter, said } = reporting(t, `https://127.0.0.1:${receiver.port}`, { desired });
  reporter.event(event(1));
  await until('the impostor is refused', () => said.length > 0);
  assert.equal(receiver.requests.length, 0);
  use('client');
  await until('the host is known', () => receiver.requests.length > 0);
  await reporter.stop(20_000);
  assert.deepEqual(
    receiver.logs().map(({ body }) => body),
    ['event 1'],
  );
});
