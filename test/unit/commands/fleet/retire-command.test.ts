/** `agent retire` and `agent collector forget`, as a pipeline calls them: by their exit status, against a real collector. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Dependence } from '../../../../agent/depends/dependence.ts';
import { accepted } from '../../../parts/accepted.ts';
import {
  collector,
  eventually,
  get,
  heartbeat,
  JSON_TYPE,
  ledgerBeat,
  reportWhole,
  send,
} from '../../../parts/collector-wire.ts';
import { command } from '../../../parts/command.ts';
import { REPOSITORY } from '../../../parts/repository.ts';
import { scratch } from '../../../parts/scratch.ts';

const ADDRESS = '10.34.56.78';
const FOUND: Dependence = accepted({
  address: ADDRESS,
  tense: 'lease',
  source: 'dhclient',
  who: 'dhclient[812]\x1b[31m',
  where: 'eth0',
  reason: 'The next renewal writes it into resolv.conf.',
  cure: 'agent apply',
});

test('retire: 0 safe, 2 not safe, 4 unknown; each names the hosts', async (t) => {
  const { url } = await collector(t);
  const retire = (...more: string[]) => command('retire', ADDRESS, '--collector', url, ...more);
  const empty = await retire();
  assert.deepEqual([empty.status, empty.stdout], [4, 'Unknown: no host has reported.\n']);

  await reportWhole(url, { host: 'web1' });
  await reportWhole(url, { host: 'web2' }, [FOUND]);
  await new Promise((resolve) => setTimeout(resolve, 1_100)); // an answer may be a second old
  const unsafe = await retire();
  assert.equal(unsafe.status, 2);
  assert.match(unsafe.stdout, /^Not safe: 1 of 2 hosts depends on 10\.34\.56\.78 \(1 at the next lease\)\.\n\nweb2\n/);
  assert.match(unsafe.stdout, /lease +dhclient\[812\]\\u001b\[31m, eth0\n +The next renewal .*\n +→ agent apply\n/);
  const quiet = await retire('--quiet');
  assert.deepEqual([quiet.status, quiet.stdout], [2, '']);
  assert.match(quiet.stderr, /^Not safe: 1 of 2/);

  await reportWhole(url, { host: 'web2', sequence: 2 });
  await send(url, ledgerBeat({ host: 'web3', since: null }), { type: JSON_TYPE });
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  const unknown = await retire('--json');
  assert.equal(unknown.status, 4);
  const { verdict, unseen } = JSON.parse(unknown.stdout);
  assert.deepEqual([verdict, unseen.hosts.map(({ name }: { name: string }) => name)], ['unknown', ['web3']]);
  assert.match(
    (await retire()).stdout,
    /Not seen:\n {2}web3 {2}It has not told what it depends on.*Nobody counts which programs there ask it: write "retire: \[10\.34\.56\.78\]"/,
  );

  await reportWhole(url, { host: 'web3', sequence: 2 });
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  const safe = await retire();
  assert.deepEqual([safe.status, safe.stderr], [0, '']);
  assert.match(safe.stdout, /^Safe: none of 3 hosts depends on 10\.34\.56\.78/);
});

test('retire: a collector that does not answer, or answers nonsense, is unknown and never safe', async (t) => {
  const dead = await command('retire', ADDRESS, '--collector', 'http://127.0.0.1:9');
  assert.equal(dead.status, 4);
  assert.match(
    dead.stderr,
    /^Unknown whether 10\.34\.56\.78 may be switched off: http:\/\/127\.0\.0\.1:9 cannot be asked: no program listens there/,
  );
  const answers = [
    '{}',
    'null',
    '{"verdict":"constructor"}',
    '<html>',
    '{"verdict":"SAFE"}',
    '{"verdict":"safe"}',
    '{"verdict":"safe","address":"10.0.0.1"}',
  ];
  const server = createServer((_, response) => response.end(answers.shift()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const other = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  while (answers.length > 0) {
    const said = answers[0];
    const { status, stdout } = await command('retire', ADDRESS, '--collector', other);
    assert.deepEqual([status, stdout], [4, ''], said);
  }
});

test('retire: a certificate that is not trusted, or is for another name, is told in words', async (t) => {
  const folder = scratch(t);
  const [key, certificate] = [join(folder, 'key'), join(folder, 'certificate')];
  const made =
    '-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=x -addext subjectAltName=DNS:other.example';
  execFileSync('openssl', ['req', ...made.split(' '), '-keyout', key, '-out', certificate], { stdio: 'ignore' });
  const { url } = await collector(t, { certificate, key });
  for (const [more, words] of [
    [[], /no authority that this host trusts signed its certificate: give --ca FILE/],
    [['--ca', certificate], /its certificate is for another name or address/],
  ] as const) {
    const { status, stderr } = await command('retire', ADDRESS, '--collector', url, ...more);
    assert.equal(status, 4);
    assert.match(stderr, words);
  }
  const plain = await command('retire', ADDRESS, '--collector', url.replace('https', 'http'));
  assert.equal(plain.status, 4);
  assert.match(plain.stderr, /closed the connection: is it an https:\/\/ address\?/);
});

test('retire: wrong usage is 1, and asks nobody', async (t) => {
  const { url } = await collector(t);
  for (const [args, words] of [
    [['ns1', '--collector', url], /"ns1" is no IP address; write one such as/],
    [['10.0.0.053', '--collector', url], /"10\.0\.0\.053" is no IP address; write 10\.0\.0\.53\n/],
    [['10.0.0.53/24', '--collector', 'http://127.0.0.1:9'], /; write 10\.0\.0\.53\n/],
    [[ADDRESS, '--collector', 'collector:4318'], /not a URL such as https:/],
    [[ADDRESS, '--token-file', '/x'], /need --collector URL/],
    [[], /missing required argument 'address'/],
  ] as const) {
    const { status, stderr } = await command('retire', ...args);
    assert.equal(status, 1);
    assert.match(stderr, words);
  }
  const { status, stdout } = await command('retire', 'ns1', '--collector', url, '--json');
  assert.deepEqual([status, Object.keys(JSON.parse(stdout))], [1, ['error']]);
});

test('retire: without --collector the endpoint and the token of the configuration are used', async (t) => {
  const folder = scratch(t);
  const [config, token] = [join(folder, 'agent.yaml'), join(folder, 'token')];
  writeFileSync(token, 'secret\n');
  const { url } = await collector(t, { tokenFile: token });
  writeFileSync(config, `report:\n  endpoint: ${url}\n  token-file: ${token}\n`);
  const { status, stdout } = await command('retire', ADDRESS, '--config', config);
  assert.deepEqual([status, stdout], [4, 'Unknown: no host has reported.\n']);
  const refused = await command('retire', ADDRESS, '--collector', url);
  assert.equal(refused.status, 4);
  assert.match(refused.stderr, /asks for a token: give --token-file FILE/);
  writeFileSync(config, 'dns:\n  nameservers: [10.0.0.1]\n');
  const none = await command('retire', ADDRESS, '--config', config);
  assert.equal(none.status, 1);
  assert.match(none.stderr, /no collector is known: give --collector URL, or configure report\.endpoint/);
});

test('collector forget: takes hosts off the list, refuses hosts that report, and needs a token that may write', async (t) => {
  const folder = scratch(t);
  const [writers, list] = [join(folder, 'writers'), join(folder, 'hosts')];
  writeFileSync(writers, 'writer\n');
  writeFileSync(list, 'in-file\n');
  const { url } = await collector(t, { writeTokenFile: writers, expect: list });
  const headers = { authorization: 'Bearer writer' };
  await fetch(`${url}/api/v1/expected`, { method: 'PUT', headers, body: '["gone", "gone-too"]' });
  await send(url, heartbeat({ host: 'live' }));
  const forget = (hosts: string[], ...more: string[]) =>
    command('collector', 'forget', ...hosts, '--collector', url, ...more);
  const refused = await forget(['gone']);
  assert.equal(refused.status, 4);
  assert.match(refused.stderr, /a token that may write is needed \(--write-token-file\)/);
  const mixed = await forget(['live', 'gone', 'in-file', 'gone-too'], '--token-file', writers);
  assert.equal(mixed.status, 4, mixed.stderr);
  assert.equal(
    mixed.stdout,
    'gone: off the list until it reports again\ngone-too: off the list until it reports again\n',
  );
  assert.match(mixed.stderr, /^live: .*this host reports.*\nin-file: .*stands in the file of --expect/);
  const again = await forget(['gone'], '--token-file', writers, '--json');
  assert.equal(again.status, 4);
  assert.match(JSON.parse(again.stdout).hosts[0].reason, /no such host/);
});

test('collector --expect: the file is followed while the collector runs', async (t) => {
  const folder = scratch(t);
  const list = join(folder, 'hosts');
  writeFileSync(list, 'web1\n');
  const args = ['collector', '--listen', '127.0.0.1:0', '--data', join(folder, 'data'), '--expect', list];
  const child = spawn(process.execPath, [join(REPOSITORY, 'agent/cli.ts'), ...args], { stdio: 'pipe' });
  t.after(async () => {
    child.kill();
    await once(child, 'close');
  });
  child.stderr.resume();
  const [first] = (await once(child.stdout, 'data')) as [Buffer];
  const url = /http:\S+/.exec(first.toString())![0];
  const names = (answer: { missing: { id: string }[] }) => answer.missing.map(({ id }) => id).join();
  assert.equal(names(await get(url, '/api/v1/expected')), 'web1');
  writeFileSync(`${list}.new`, 'web1\nweb2\n');
  renameSync(`${list}.new`, list);
  const after = await eventually(url, '/api/v1/expected', (answer) => names(answer) === 'web1,web2');
  assert.equal(names(after), 'web1,web2');
  writeFileSync(list, '{"web": 7}');
  const troubled = await eventually(url, '/api/v1/summary', ({ trouble }) => trouble.length > 0);
  assert.match(troubled.trouble[0].text, /hosts cannot be used: it is JSON, but no Ansible inventory/);
  writeFileSync(list, 'web3\n');
  assert.equal(names(await eventually(url, '/api/v1/expected', (one) => names(one) === 'web3')), 'web3');
  assert.deepEqual((await get(url, '/api/v1/summary')).trouble, []);
});
