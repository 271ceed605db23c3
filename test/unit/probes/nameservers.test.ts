/** The probe of name servers: answers, refusals, silence and lies. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { DesiredDns } from '../../../agent/config/desired.ts';
import { Host } from '../../../agent/host/host.ts';
import { nameserversProbe } from '../../../probes/nameservers-probe.ts';
import { accepted } from '../../parts/accepted.ts';
import { answer, dnsServer, type Respond } from '../../parts/dns-server.ts';
import { scratch } from '../../parts/scratch.ts';

const SERVER = '127.0.0.1';
const VERIFY = { name: 'puppet.example.com', expect: ['10.72.0.0/16'], timeout: 10_000, quorum: 1 };
const DNS: DesiredDns = accepted({
  nameservers: [SERVER],
  domain: null,
  search: ['example.com'],
  sortlist: null,
  options: null,
  symlink: 'refuse',
  split: null,
  verify: null,
});

async function look(host: Host, port: number, dns: Partial<DesiredDns> = {}) {
  const readings = await nameserversProbe(host, { ...DNS, ...dns }, { port }).read(AbortSignal.timeout(60_000));
  const values = (metric: string) =>
    readings.flatMap((one) => (one.kind === 'sample' && one.metric === metric ? [one.value] : []));
  return {
    up: values('holdfast.nameserver.up'),
    verified: values('holdfast.nameserver.verified'),
    durations: values('holdfast.nameserver.duration').length,
    conditions: readings.flatMap((one) => (one.kind === 'condition' ? [`${one.code}: ${one.body}`] : [])),
  };
}

/** What the probe sees of a server that answers by `respond`, and the questions that it asked. */
async function seen(t: TestContext, respond: Respond, dns: Partial<DesiredDns> = {}) {
  const { port, asked } = await dnsServer(t, respond);
  return { ...(await look(new Host({ root: scratch(t) }), port, dns)), asked };
}

test('name servers: an answer and a missing name are both proof by one packet', async (t) => {
  for (const rcode of [0, 3]) {
    assert.deepEqual(await seen(t, (query) => answer(query, [], { rcode })), {
      up: [1],
      verified: [],
      durations: 1,
      conditions: [],
      asked: ['udp A example.com'],
    });
  }
});

test('name servers: a server that refuses, fails, is silent or answers only by TCP is down', async (t) => {
  const silent = 'no answer within 1.5 s by UDP, nor by TCP';
  const useless: [Respond, string][] = [
    [(query) => answer(query, [], { rcode: 5 }), 'it refuses to answer this host (REFUSED)'],
    [(query) => answer(query, [], { rcode: 2 }), 'it fails to answer (SERVFAIL)'],
    [() => null, silent],
    [() => Buffer.from('garbage'), 'what it answers is not an answer to the question'],
    [(query, by) => (by === 'udp' ? null : answer(query)), 'it answers only by TCP, and the C library asks by UDP'],
  ];
  for (const [respond, reason] of useless) {
    const { up, durations, conditions } = await seen(t, respond);
    assert.deepEqual([up, durations], [[0], 0]);
    assert.match(conditions.join(), /^nameserver-down: The name server 127\.0\.0\.1 is of no use to this host: /);
    assert.ok(conditions[0]!.includes(reason) || conditions[0]!.includes(silent), conditions[0]);
  }
  const byTcp: Respond = (query, by) => (by === 'udp' ? null : answer(query));
  assert.deepEqual((await seen(t, byTcp, { options: ['use-vc'] })).up, [1]);
  const truncated: Respond = (query, by) => answer(query, [], { truncated: by === 'udp' });
  assert.deepEqual((await seen(t, truncated)).up, [1]);
});

test('name servers: with dns.verify a lie is told, and the server is up all the same', async (t) => {
  const right = await seen(t, (query) => answer(query, ['10.72.1.1']), { verify: accepted(VERIFY) });
  assert.deepEqual([right.up, right.verified, right.conditions], [[1], [1], []]);
  assert.deepEqual(right.asked, ['udp A puppet.example.com']);
  const lies: [Respond, string][] = [
    [(query) => answer(query, [], { rcode: 3 }), 'NXDOMAIN'],
    [(query) => answer(query, ['192.0.2.1']), '192.0.2.1, not in 10.72.0.0/16'],
    [(query) => answer(query), 'no address for puppet.example.com'],
  ];
  for (const [respond, lie] of lies) {
    const { up, verified, durations, conditions } = await seen(t, respond, { verify: accepted(VERIFY) });
    assert.deepEqual([up, verified, durations], [[1], [0], 1]);
    assert.deepEqual(conditions, [
      `nameserver-lying: The name server 127.0.0.1 does not answer for puppet.example.com as dns.verify expects: ${lie}. This host still asks it.`,
    ]);
  }
});

test('name servers: of two families one may be refused', async (t) => {
  const only4: Respond = (query) => {
    return query.questions?.[0]?.type === 'A' ? answer(query, ['10.72.1.1']) : answer(query, [], { rcode: 5 });
  };
  const { up, verified } = await seen(t, only4, { verify: accepted({ ...VERIFY, expect: null }) });
  assert.deepEqual([up, verified], [[1], [1]]);
});

test('each by itself: one answers, nobody listens at another; what libc takes for no address is not asked', async (t) => {
  const { port } = await dnsServer(t, (query) => answer(query));
  const host = new Host({ root: scratch(t, { 'etc/resolv.conf': 'nameserver none\nnameserver 127.0.0.2\n' }) });
  assert.deepEqual((await look(host, port, { nameservers: accepted([SERVER, '127.0.0.2']) })).up, [1, 0]);
  assert.deepEqual((await look(host, port, { nameservers: null })).up, [0]);
  const unusable = new Host({ root: scratch(t, { 'etc/resolv.conf': 'nameserver 127.0.0.2\r\n' }) });
  const { up, conditions } = await look(unusable, 1, { nameservers: null });
  assert.deepEqual(up, [0]);
  assert.match(conditions[0]!, /The name server 127\.0\.0\.1 is of no use/, 'which libc asks then');
});

test('name servers: without configured servers those of resolv.conf; without a domain the root', async (t) => {
  const { port, asked } = await dnsServer(t, (query) => answer(query));
  const text = `nameserver ${SERVER}\nnameserver ${SERVER}\n`;
  const host = new Host({ root: scratch(t, { 'etc/resolv.conf': text }) });
  assert.deepEqual((await look(host, port, { nameservers: null, search: null })).up, [1]);
  assert.deepEqual(asked, ['udp NS .']);
  assert.deepEqual((await look(new Host({ root: scratch(t) }), port, { nameservers: null })).up, []);
});
