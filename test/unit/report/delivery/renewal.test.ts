/** A token, certificate or key on disk that cannot be used never takes the place of the good one, at the host and at the collector. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { checkCertificates } from '../../../../agent/config/proofs.ts';
import { Credentials } from '../../../../agent/report/delivery/credentials.ts';
import { collector, heartbeat, send } from '../../../parts/collector-wire.ts';
import { Receiver } from '../../../parts/otlp-receiver.ts';
import { event, reporting, until } from '../../../parts/report-scene.ts';
import { missing, scratch } from '../../../parts/scratch.ts';

const skip = missing('openssl');

/** Bad files in the place of a good one. */
const BAD: Readonly<Record<string, (file: string) => void>> = {
  gone: (file) => rmSync(file),
  empty: (file) => writeFileSync(file, ''),
  blank: (file) => writeFileSync(file, ' \n\n'),
  binary: (file) => writeFileSync(file, Buffer.from([0, 255, 10, 7])),
  text: (file) => writeFileSync(file, 'error: no such secret\n'),
  half: (file) => truncateSync(file, Math.floor(readFileSync(file).length / 2)),
};

/** `NAME.pem` with `NAME.key`, signed by themselves. */
function certificates(folder: string, names: readonly string[]): void {
  for (const name of names) {
    const how = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    const what = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
    execFileSync('openssl', ['req', '-x509', ...how, ...what, '-keyout', `${name}.key`, '-out', `${name}.pem`], {
      cwd: folder,
      stdio: 'ignore',
    });
  }
}

test('renewal at the host: the last good content stays in use while a file is unusable, and a problem says so', {
  skip,
}, (t) => {
  const folder = scratch(t, { token: 'first\n' });
  certificates(folder, ['a', 'b']);
  const at = (name: string) => join(folder, name);
  for (const kind of ['pem', 'key']) copyFileSync(at(`a.${kind}`), at(`host.${kind}`));
  copyFileSync(at('b.pem'), at('ca'));
  const names = { tokenFile: at('token'), ca: at('ca'), certificate: at('host.pem'), key: at('host.key') };
  const credentials = new Credentials();
  const good = credentials.read(names);
  assert.equal(good.token, 'first');
  for (const [field, file] of Object.entries(names)) {
    const content = readFileSync(file);
    for (const [what, spoil] of Object.entries(BAD)) {
      if (what === 'half' && field === 'tokenFile') continue; // is a token
      spoil(file);
      assert.deepEqual(credentials.read(names), good, `${field} ${what}`);
      const [problem, ...more] = credentials.problems(names);
      assert.equal(more.length, 0);
      assert.match(
        problem!,
        /cannot be used: .*The last good content of the file stays in force until the file is corrected/,
      );
      assert.ok(problem!.startsWith(file), problem);
      assert.throws(() => new Credentials().read(names), /cannot be used/);
      assert.match(new Credentials().problems(names).join(), /Nothing is delivered to the collector until/);
      writeFileSync(file, content);
      assert.deepEqual(credentials.problems(names), []);
    }
  }
  // A certificate is in force together with its key.
  copyFileSync(at('b.pem'), at('host.pem'));
  assert.deepEqual(credentials.read(names), good);
  assert.match(
    credentials.problems(names).join(),
    /host\.key cannot be used: this key does not belong to the certificate/,
  );
  copyFileSync(at('b.key'), at('host.key'));
  assert.deepEqual(credentials.read(names).certificate, readFileSync(at('b.pem')));
  writeFileSync(at('token'), 'second');
  assert.equal(credentials.read(names).token, 'second');
});

test('renewed certificates: a bundle with one broken certificate is refused', { skip }, (t) => {
  const folder = scratch(t);
  certificates(folder, ['a', 'b']);
  const [a, b] = ['a.pem', 'b.pem'].map((name) => readFileSync(join(folder, name)));
  checkCertificates(Buffer.concat([Buffer.from('# authorities\n'), a!, b!]));
  assert.throws(() => checkCertificates(Buffer.concat([a!, b!.subarray(0, b!.length >> 1)])), /has no end/);
  const broken = b!.toString().replace(/\n[A-Za-z0-9+/]{10}/, '\nAAAAAAAAAA');
  assert.throws(() => checkCertificates(Buffer.concat([a!, Buffer.from(broken)])));
});

test('renewal at the host: records go on with the last good token, and with the next one, without a restart', async (t) => {
  const receiver = await Receiver.start(t);
  const folder = scratch(t, { token: 'first\n' });
  const tokenFile = join(folder, 'token');
  const { reporter, said } = reporting(t, `http://127.0.0.1:${receiver.port}`, { desired: { tokenFile } });
  const tokens = () => receiver.requests.map(({ headers }) => headers.authorization);
  let sent = 0;
  const one = async () => {
    sent += 1;
    reporter.event(event(sent));
    await until(`record ${sent} has come`, () => receiver.requests.length >= sent);
  };
  await one();
  for (const what of ['empty', 'binary', 'gone']) {
    BAD[what]!(tokenFile);
    await one();
  }
  writeFileSync(tokenFile, 'second\n');
  await one();
  assert.deepEqual(tokens(), [...Array(4).fill('Bearer first'), 'Bearer second']);
  assert.deepEqual(said, []);
});

/** A collector with these files, what it said, and whether a client with a certificate of `ca` gets an answer. */
async function secure(t: TestContext) {
  const folder = scratch(t, { token: 'first\n' });
  certificates(folder, ['server', 'client', 'other']);
  const at = (name: string) => join(folder, name);
  copyFileSync(at('client.pem'), at('ca'));
  const log: string[] = [];
  const files = { certificate: at('server.pem'), key: at('server.key'), clientCa: at('ca') };
  const { url } = await collector(t, { ...files, log: (line) => log.push(line) });
  const read = (name: string) => readFileSync(at(name));
  const client = { cert: read('client.pem'), key: read('client.key'), ca: [read('server.pem'), read('other.pem')] };
  const asks = () =>
    new Promise<string>((resolve) => {
      const asked = request(`${url}/healthz`, { ...client, agent: false }, (response) => {
        const shown = (response.socket as import('node:tls').TLSSocket).getPeerCertificate().subject.CN;
        response.resume().once('end', () => resolve(`${response.statusCode} of ${shown}`));
      });
      asked.once('error', (error) => resolve(error.message)).end();
    });
  return { at, log, asks };
}

test('renewal at the collector: the last good certificate, key and authorities stay in force, which is said once', {
  skip,
  timeout: 240_000,
}, async (t) => {
  const { at, log, asks } = await secure(t);
  assert.equal(await asks(), '200 of server');
  for (const name of ['server.pem', 'server.key', 'ca']) {
    const content = readFileSync(at(name));
    for (const [what, spoil] of Object.entries(BAD)) {
      log.length = 0;
      spoil(at(name));
      await until(`${name} ${what} is said`, () => log.length > 0);
      assert.match(log[0]!, /has changed on disk and is not in force .*cannot be used: /);
      assert.ok(log[0]!.includes(at(name)), log[0]);
      assert.equal(await asks(), '200 of server');
      writeFileSync(at(name), content);
      await until('it is over', () => log.length > 1);
      assert.match(log[1]!, /^over: /);
      assert.equal(await asks(), '200 of server');
    }
  }
  log.length = 0;
  copyFileSync(at('other.key'), at('server.key'));
  await until('the misfit is said', () => log.length > 0);
  assert.match(log[0]!, /this key does not belong to the certificate/);
  copyFileSync(at('other.pem'), at('server.pem'));
  await until('the next good one is taken', () => log.length > 1);
  assert.equal(await asks(), '200 of other');
});

test('renewal at the collector: an unusable token file leaves the earlier tokens in force', async (t) => {
  const folder = scratch(t, { tokens: 'first\nsecond\n' });
  const tokenFile = join(folder, 'tokens');
  const log: string[] = [];
  const { url } = await collector(t, { tokenFile, log: (line) => log.push(line) });
  for (const [what, spoil] of Object.entries(BAD)) {
    if (what === 'half') continue; // is a token
    log.length = 0;
    spoil(tokenFile);
    await until(`${what} is said`, () => log.length > 0);
    assert.match(log[0]!, /not in force .*tokens cannot be used: /);
    assert.ok(!log[0]!.includes('secret'), 'nothing of its content');
    assert.equal((await send(url, heartbeat(), { token: 'second' })).status, 200);
    writeFileSync(tokenFile, 'first\nsecond\n');
    await until('it is over', () => log.length > 1);
  }
  writeFileSync(tokenFile, '\n third \n');
  const admitted = async () => (await send(url, heartbeat(), { token: 'third' })).status === 200;
  while (!(await admitted())) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal((await send(url, heartbeat(), { token: 'second' })).status, 401);
});
