/** TLS with certificates that openssl makes: the collector is known by a CA, the host by a certificate of its own. */
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { authority } from '../../../parts/certificates.ts';
import { Receiver } from '../../../parts/otlp-receiver.ts';
import { event, reporting, until } from '../../../parts/report-scene.ts';
import { missing, scratch } from '../../../parts/scratch.ts';

const skip = missing('openssl');

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
