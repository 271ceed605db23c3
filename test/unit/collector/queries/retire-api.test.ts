/** The API of `agent retire`, as the page, a pipeline and an intruder call it. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { collector, dependences, get, heartbeat, reportWhole, send } from '../../../parts/collector-wire.ts';
import { scratch } from '../../../parts/scratch.ts';

const FOUND = {
  address: '10.0.0.53',
  tense: 'now' as const,
  source: 'resolv.conf',
  who: '=HYPERLINK("http://evil")',
  where: '/etc/resolv.conf:1',
  reason: 'It names "the old server",\nand nothing else.',
  cure: 'agent apply',
};

async function change(
  url: string,
  path: string,
  method: string,
  token?: string,
  body?: unknown,
  // biome-ignore lint/suspicious/noExplicitAny: the answers are what the tests look at
): Promise<[number, any]> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(`${url}${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return [response.status, await response.json()];
}

test('retire API: an address counts in any spelling, and any other text is refused', async (t) => {
  const { url } = await collector(t);
  for (const text of ['10.0.0.53', '::ffff:10.0.0.53', '::FFFF:a00:35', ' 10.0.0.53 ']) {
    const { address, verdict } = await get(url, `/api/v1/retire?address=${encodeURIComponent(text)}`);
    assert.deepEqual([address, verdict], ['10.0.0.53', 'unknown']);
  }
  for (const [query, words] of [
    ['address=ns1', /not an IP address: ns1/],
    ['', /"address" is missing/],
    ['adress=10.0.0.1', /no parameter "adress" here; did you mean "address"/],
    ['address=10.0.0.1&format=xml', /neither json nor csv/],
    ['address=10.0.0.1&address=10.0.0.2', /given twice/],
  ] as const) {
    const response = await fetch(`${url}/api/v1/retire?${query}`);
    assert.equal(response.status, 400);
    assert.match(((await response.json()) as { error: string }).error, words);
  }
});

test('retire API: a collector that lost its database calls nothing safe until it has listened for a day', async (t) => {
  const folder = scratch(t);
  const list = join(folder, 'hosts');
  writeFileSync(list, '');
  const start = async (data: string, hosts: readonly string[], more = {}) => {
    const running = await collector(t, { data: join(folder, data), ...more });
    for (const host of hosts) await reportWhole(running.url, { host });
    const answer = await get(running.url, '/api/v1/retire?address=10.0.0.53');
    await running.close();
    return answer;
  };
  // The second host was silent when the database was lost.
  const { verdict, sentence, safeAt } = await start('lost', ['a']);
  assert.equal(verdict, 'unknown');
  assert.match(
    sentence,
    /^Unknown for (23|24) h more: .* began only \d+ s ago and may not know every host\. Give it the list/,
  );
  assert.ok(safeAt > Date.now() + 23 * 3_600_000);
  assert.equal((await start('lost', [])).verdict, 'unknown', 'a start is no beginning');
  assert.equal((await start('empty-list', ['a'], { expect: list })).verdict, 'unknown');
  writeFileSync(list, 'a\n');
  assert.equal((await start('listed', ['a'], { expect: list })).verdict, 'safe');
});

test("retire API: CSV has one line for each dependence, and a host's formula stays a text", async (t) => {
  const { url } = await collector(t);
  await send(url, heartbeat({ host: 'a' }));
  await send(url, dependences('a', { found: [FOUND, { ...FOUND, tense: 'boot' }] }), { signal: 'logs' });
  const response = await fetch(`${url}/api/v1/retire?address=10.0.0.53&format=csv`);
  assert.match(response.headers.get('content-type') ?? '', /text\/csv/);
  const text = await response.text();
  const [head, ...lines] = text.split('\r\n');
  assert.match(head ?? '', /^address,verdict,host,id,standing,last seen,tense,/);
  assert.equal(lines.filter((line) => /^10\.0\.0\.53,not-safe,a,id-of-a,reports,.*,(now|boot),/.test(line)).length, 2);
  assert.equal(lines.filter((line) => line.includes(',unseen,')).length, 1);
  assert.ok(text.includes(`"'=HYPERLINK(""http://evil"")"`));
  assert.ok(text.includes('"It names ""the old server"",\nand nothing else."'));
});

test('retire API: only a write token may change the expected hosts, and it also reads', async (t) => {
  const folder = scratch(t);
  const [tokens, writers] = [join(folder, 'tokens'), join(folder, 'writers')];
  writeFileSync(tokens, 'reader\n');
  writeFileSync(writers, 'writer\n');
  const { url } = await collector(t, { tokenFile: tokens, writeTokenFile: writers });
  const put = (token?: string) => change(url, '/api/v1/expected', 'PUT', token, ['web1']);
  assert.equal((await put())[0], 401);
  assert.equal((await put('wrong'))[0], 401);
  assert.deepEqual(await put('reader'), [403, { error: 'a token that may write is needed (--write-token-file)' }]);
  const [status, { missing, given }] = await put('writer');
  assert.equal(status, 200);
  assert.deepEqual([missing.map(({ id }: { id: string }) => id), given], [['web1'], ['web1']]);
  assert.equal((await change(url, '/api/v1/expected', 'GET', 'reader'))[1].total, 1);
  assert.equal((await change(url, '/api/v1/summary', 'GET', 'writer'))[0], 200);
});

test('retire API: without --write-token-file nobody may change the expected hosts, not even on this machine', async (t) => {
  const { url } = await collector(t);
  for (const [method, path] of [
    ['PUT', '/api/v1/expected'],
    ['DELETE', '/api/v1/hosts/a'],
  ] as const) {
    const [status, { error }] = await change(url, path, method, 'any', ['a']);
    assert.deepEqual([status, error], [403, 'nothing may be changed here: start it with --write-token-file']);
  }
  for (const [method, path] of [
    ['POST', '/api/v1/expected'],
    ['DELETE', '/api/v1/summary'],
    ['DELETE', '/api/v1/hosts/a/events'],
  ] as const) {
    assert.equal((await change(url, path, method))[0], 405);
  }
});

test('retire API: a host is expected until it is retired, and returns when it reports again', async (t) => {
  const folder = scratch(t);
  const writers = join(folder, 'writers');
  const list = join(folder, 'hosts');
  writeFileSync(writers, 'writer\n');
  writeFileSync(list, 'listed\n');
  const { url, readExpected } = await collector(t, { writeTokenFile: writers, expect: list });
  const missing = async () =>
    (await get(url, '/api/v1/expected')).missing.map(({ id, standing }: { id: string; standing: string }) => [
      id,
      standing,
    ]);
  const retire = (name: string) => change(url, `/api/v1/hosts/${encodeURIComponent(name)}`, 'DELETE', 'writer');
  const put = (body: unknown) => change(url, '/api/v1/expected', 'PUT', 'writer', body);
  assert.deepEqual(await missing(), [['listed', 'never']]);
  const inventory = { _meta: { hostvars: {} }, all: { children: ['web'] }, web: { hosts: ['web1', 'a/b'] } };
  assert.equal((await put(inventory))[0], 200);
  assert.match((await put({ web: 7 }))[1].error, /not a list of hosts/);
  assert.match((await put(['a b']))[1].error, /not a list of hosts: entry 1: a name with blanks/);
  assert.deepEqual((await missing()).map(([id]: string[]) => id).sort(), ['a/b', 'listed', 'web1']);
  assert.deepEqual(await retire('listed'), [
    409,
    { error: 'this host stands in the file of --expect: take it out there first' },
  ]);
  assert.equal((await retire('a/b'))[0], 200);
  assert.equal((await retire('WEB1'))[0], 200);
  assert.deepEqual(await retire('web1'), [404, { error: 'no such host' }]);
  await send(url, heartbeat({ host: 'web1' }));
  assert.match((await retire('web1'))[1].error, /this host reports/);
  writeFileSync(list, 'web1\nweb2\n');
  readExpected();
  await new Promise((resolve) => setTimeout(resolve, 1_100)); // an answer may be a second old
  assert.deepEqual(await missing(), [['web2', 'never']]);
  writeFileSync(list, 'two words\n');
  readExpected();
  const { trouble } = await get(url, '/api/v1/summary');
  assert.deepEqual(
    trouble.map(({ code }: { code: string }) => code),
    ['expected'],
  );
  assert.match(trouble[0].text, /hosts cannot be used: line 1/);
  assert.deepEqual(await missing(), [['web2', 'never']], 'the last good list stays in force');
});
