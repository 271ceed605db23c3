/** The collector's API answers with what hosts sent. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { test } from 'node:test';
import type {
  HostAnswer,
  HostRow,
  HostsAnswer,
  SeriesAnswer,
  StreamMessage,
  SummaryAnswer,
} from '../../../agent/collector/api.ts';
import { sample } from '../../../probes/probe.ts';
import { collector, event, eventually, get, heartbeat, send } from '../../parts/collector-wire.ts';
import { scratch } from '../../parts/scratch.ts';

test('collector API: a heartbeat as protobuf or JSON, packed or not, is the same row', async (t) => {
  const { url } = await collector(t);
  for (const [name, format, gzip] of [
    ['a', 'protobuf', true],
    ['b', 'protobuf', false],
    ['c', 'json', true],
    ['d', 'json', false],
  ] as const) {
    const type = format === 'json' ? 'application/json' : 'application/x-protobuf';
    const body = heartbeat({ host: name, limit: 4096, labels: { site: 'x' } }, format);
    const response = await send(url, body, { type, gzip });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), type);
  }
  const { hosts }: HostsAnswer = await eventually(url, '/api/v1/hosts', ({ total }) => total === 4);
  assert.deepEqual(
    hosts.map(({ name }) => name),
    ['a', 'b', 'c', 'd'],
  );
  const same = ({ agent, kernel, labels, settings, routes, attention }: HostRow) => {
    return { agent, kernel, labels, settings, routes, attention };
  };
  for (const host of hosts) {
    assert.deepEqual(same(host), {
      agent: '0.1.0',
      kernel: '6.1.0-18-amd64',
      labels: { site: 'x' },
      settings: { ok: 1, drifted: 0, unknown: 0 },
      routes: { ipv4: { count: 1000, limit: 4096, used: 1000 }, ipv6: { count: 20, limit: null, used: 20 } },
      attention: [],
    });
  }
});

test('collector API: hosts are counted and selected by their provisional change', async (t) => {
  const { url } = await collector(t);
  const more = (change: string) => [sample('holdfast.change.provisional', 1, { 'holdfast.change.id': change })];
  await send(url, heartbeat({ host: 'a', more: more('3f9c') }));
  await send(url, heartbeat({ host: 'b', more: more('3f9c') }));
  await send(url, heartbeat({ host: 'c', more: more('77aa') }));
  await send(url, heartbeat({ host: 'd' }));
  await eventually(url, '/api/v1/hosts', ({ total }: HostsAnswer) => total === 4);
  const { provisional }: SummaryAnswer = await get(url, '/api/v1/summary');
  assert.deepEqual(provisional, [
    { change: '3f9c', hosts: 2 },
    { change: '77aa', hosts: 1 },
  ]);
  const { hosts }: HostsAnswer = await get(url, '/api/v1/hosts?change=3f9c');
  assert.deepEqual(
    hosts.map((row) => [row.name, row.provisional]),
    [
      ['a', '3f9c'],
      ['b', '3f9c'],
    ],
  );
  const metrics = await (await fetch(`${url}/metrics`)).text();
  assert.match(metrics, /^holdfast_hosts_provisional\{change="3f9c"\} 2$/m);
  await send(url, heartbeat({ host: 'a', sequence: 2 }));
  await eventually(url, '/api/v1/summary', (summary: SummaryAnswer) => summary.provisional[0]?.hosts === 1);
});

test('collector API: a change that was not seen at its later moments is counted, and is no need of attention', async (t) => {
  const { url } = await collector(t);
  const unseen = (...moments: string[]) =>
    moments.map((moment) => sample('holdfast.change.unseen', 1, { 'holdfast.change.id': '3f9c', moment }));
  await send(url, heartbeat({ host: 'a', more: unseen('boot', 'lease') }));
  await send(url, heartbeat({ host: 'b', more: unseen('boot') }));
  await send(url, heartbeat({ host: 'c' }));
  await eventually(url, '/api/v1/summary', (summary: SummaryAnswer) => summary.unseen[0]?.hosts === 2);
  const { hosts }: HostsAnswer = await get(url, '/api/v1/hosts?change=3f9c');
  assert.deepEqual(
    hosts.map((row) => [row.unseen, row.attention, row.provisional]),
    [
      [{ change: '3f9c', moments: ['lease', 'boot'] }, [], null],
      [{ change: '3f9c', moments: ['boot'] }, [], null],
    ],
  );
});

test('collector API: hosts that need attention come first, can be selected by code, and leave the list once cured', async (t) => {
  const { url } = await collector(t);
  await send(url, heartbeat({ host: 'a' }));
  const more = [
    sample('holdfast.dhclient.stale', 1, { interface: 'eth0' }),
    sample('holdfast.condition', 1, { code: 'default-nexthops' }),
  ];
  await send(url, heartbeat({ host: 'b', routes: 3900, limit: 4096, states: { lease: 'drifted' }, more }));
  await send(url, event('b', '1', { name: 'holdfast.memory_error', severity: 'error' }), { signal: 'logs' });
  const { hosts }: HostsAnswer = await eventually(
    url,
    '/api/v1/hosts',
    (answer: HostsAnswer) => answer.total === 2 && answer.hosts[0]?.attention.length === 5,
  );
  assert.deepEqual(
    hosts.map(({ name }) => name),
    ['b', 'a'],
  );
  const codes = ['default-nexthops', 'drifted', 'memory-error', 'stale-dhclient', 'table-near-limit'];
  assert.deepEqual(hosts[0]!.attention.map(({ code }) => code).sort(), codes);
  assert.equal((await get(url, '/api/v1/hosts?attention=drifted')).total, 1);
  assert.equal((await get(url, '/api/v1/hosts?attention=silent')).total, 0);
  const summary = await get(url, '/api/v1/summary');
  assert.deepEqual(summary.attention, Object.fromEntries(codes.map((code) => [code, 1])));

  await send(url, heartbeat({ host: 'b', sequence: 2 }));
  const row = await eventually(
    url,
    '/api/v1/hosts/id-of-b',
    (answer: HostAnswer) => answer.host.attention.length === 1,
  );
  assert.deepEqual(
    row.host.attention.map(({ code }: { code: string }) => code),
    ['memory-error'],
  );
  assert.deepEqual(row.settings, [{ setting: 'dns.nameservers', moments: { now: 'ok', lease: 'ok', boot: 'ok' } }]);
});

test('collector API: a host is silent after three of its intervals without a heartbeat, and no longer once it reports', async (t) => {
  const { url } = await collector(t);
  const now = Date.now();
  await send(url, heartbeat({ time: now - 1000 }));
  await send(url, heartbeat({ time: now, sequence: 2 }));
  const quiet = await eventually(url, '/api/v1/hosts', ({ hosts }: HostsAnswer) => hosts[0]?.silent === true);
  assert.equal(quiet.hosts[0].attention[0].code, 'silent');
  assert.equal(quiet.hosts[0].attention[0].since, quiet.hosts[0].lastSeen);
  await send(url, heartbeat({ sequence: 3 }));
  const heard = await eventually(url, '/api/v1/hosts', ({ hosts }: HostsAnswer) => hosts[0]?.silent === false);
  assert.deepEqual(heard.hosts[0].attention, []);
});

test('collector API: a series holds every value that was sent, also late, repeated and after a restart', async (t) => {
  const data = scratch(t);
  const first = await collector(t, { data });
  const start = Math.floor(Date.now() / 1000) * 1000 - 400_000;
  const sent = Array.from({ length: 200 }, (_, n) => [start + n * 1000, 1000 + ((n * 7) % 13)] as const);
  const beat = ([time, routes]: readonly [number, number], sequence: number) => heartbeat({ time, routes, sequence });
  const late = [150, 20, 199];
  for (const [n, point] of sent.entries()) if (n !== 150 && n !== 20) await send(first.url, beat(point, n));
  for (const n of late) await send(first.url, beat(sent[n]!, n));
  const path = `/api/v1/hosts/id-of-edge-1/series?metric=system.network.route.count&from=${start}&points=5000`;
  const check = (answer: SeriesAnswer) => {
    assert.equal(answer.unit, '{route}');
    const ipv4 = answer.series.find(({ attributes }) => attributes['network.type'] === 'ipv4');
    assert.deepEqual(ipv4?.points, sent);
  };
  check(await get(first.url, path));
  const { host }: HostAnswer = await get(first.url, '/api/v1/hosts/id-of-edge-1');
  assert.equal(host.routes.ipv4?.count, sent.at(-1)![1]);
  await first.close();
  const second = await collector(t, { data });
  check(await get(second.url, path));
  const again: HostAnswer = await get(second.url, '/api/v1/hosts/id-of-edge-1');
  // After a restart, late or repeated heartbeats do not count as the last sign of life.
  assert.deepEqual(again.host, { ...host, lastSeen: again.host.lastSeen });
  const fewer: SeriesAnswer = await get(second.url, path.replace('points=5000', 'points=50'));
  const { points } = fewer.series[0]!;
  assert.ok(points.length <= 50);
  assert.equal(Math.max(...points.map(([, value]) => value)), 1012);
});

test('collector API: events come newest first and in pages, each once however often it was sent', async (t) => {
  const { url } = await collector(t);
  const now = Date.now();
  for (const n of [1, 2, 3, 2, 1, 3]) {
    const type = n === 2 ? 'application/json' : 'application/x-protobuf';
    const body = event('a', `r-${n}`, { time: now + n, body: `event ${n}` }, n === 2 ? 'json' : 'protobuf');
    assert.equal((await send(url, body, { signal: 'logs', type })).status, 200);
  }
  await send(url, event('b', 'r-1'), { signal: 'logs' });
  const path = '/api/v1/hosts/id-of-a/events';
  const all = await get(url, path);
  assert.deepEqual(
    all.map(({ body }: { body: string }) => body),
    ['event 3', 'event 2', 'event 1'],
  );
  assert.equal(all[1].severity, 'warn');
  assert.equal(all[1].attributes.resource, 'resolver');
  assert.equal((await get(url, '/api/v1/hosts/id-of-b/events')).length, 1);
  assert.deepEqual(await get(url, `${path}?before=${now + 3}&limit=1`), [all[1]]);
});

test('collector API: the time of a host whose clock is wrong is not believed', async (t) => {
  const { url } = await collector(t);
  await send(url, heartbeat({ time: Date.now() + 86_400_000 * 365 }));
  await send(url, heartbeat({ time: 1, routes: 7, sequence: 2 }));
  const path = '/api/v1/hosts/id-of-edge-1/series?metric=holdfast.heartbeat.sequence';
  const answer: SeriesAnswer = await get(url, path);
  assert.deepEqual(
    answer.series[0]?.points.map(([, value]) => value),
    [1, 2],
  );
});

test('collector API: the stream begins with a first message, and continues with changed rows', async (t) => {
  const { url } = await collector(t);
  const request = httpGet(`${url}/api/v1/stream`);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  assert.equal(response.headers['content-type'], 'text/event-stream');
  t.after(() => request.destroy());
  const messages: StreamMessage[] = [];
  let text = '';
  for await (const chunk of response) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      if (text.startsWith('data: ')) messages.push(JSON.parse(text.slice(6, end)));
      text = text.slice(end + 2);
      if (messages.length === 1) await send(url, heartbeat({ host: 'z' }));
    }
    if (messages.length >= 2) break;
  }
  assert.deepEqual(messages[0]?.hosts, []);
  assert.equal(messages[1]?.hosts[0]?.name, 'z');
  assert.equal(messages[1]?.summary.hosts, 1);
});

test('collector API: Prometheus reads the fleet and each host', async (t) => {
  const { url } = await collector(t);
  await send(url, heartbeat({ host: 'a"\\', limit: 4096 }));
  await eventually(url, '/api/v1/hosts', ({ total }) => total === 1);
  const text = await (await fetch(`${url}/metrics`)).text();
  assert.match(text, /^holdfast_hosts 1$/m);
  assert.match(text, /^holdfast_host_routes\{id="id-of-a\\"\\\\",host="a\\"\\\\",family="ipv4"\} 1000$/m);
  for (const line of text.trim().split('\n')) assert.match(line, /^(# (HELP|TYPE) \w+ .+|\w+(\{.*\})? -?[\d.e+-]+)$/);
});

test('collector API: the row compares with the limit what the kernel compares, not the number of routes', async (t) => {
  const { url } = await collector(t);
  const cached = (entries: number) => [sample('system.network.route.cache', entries, { 'network.type': 'ipv4' })];
  await send(url, heartbeat({ host: 'many', routes: 200_000, limit: 4096, more: cached(40) }));
  await send(url, heartbeat({ host: 'full', routes: 10, limit: 4096, more: cached(4_000) }));
  const { hosts }: HostsAnswer = await eventually(url, '/api/v1/hosts', ({ total }) => total === 2);
  const codes = Object.fromEntries(hosts.map(({ name, attention }) => [name, attention.map(({ code }) => code)]));
  assert.deepEqual(codes, { full: ['table-near-limit'], many: [] });
});

test('collector API: a host has the last inventory that it sent, or none', async (t) => {
  const { url } = await collector(t);
  const tell = (id: string, name: string, board: string) => {
    const time = Date.now() - 10 + Number(id);
    return send(url, event('a', id, { name, time, attributes: { 'inventory.board': board, x: 'y' } }), {
      signal: 'logs',
    });
  };
  await tell('1', 'holdfast.inventory', 'old');
  await tell('2', 'holdfast.inventory.changed', 'new');
  await send(url, event('b', '3'), { signal: 'logs' });
  const of = async (host: string) => ((await get(url, `/api/v1/hosts/id-of-${host}`)) as HostAnswer).inventory;
  assert.deepEqual(await of('a'), { board: 'new' });
  assert.deepEqual(await of('b'), {});
});
