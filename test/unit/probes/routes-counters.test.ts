/** Routes are counted from the kernel's own counters, also while tables change. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIpv6Stats, parseTries, routeSlabs } from '../../../agent/host/kernel/route-counters.ts';
import { Growth } from '../../../probes/growth.ts';
import { byProtocol, offloadFailed } from '../../../probes/routes-by-protocol-probe.ts';
import { againstLimit, sumOfTries } from '../../../probes/routes-probe.ts';
import { scratch } from '../../parts/scratch.ts';

test('rt6_stats: hexadecimal, and of more than four digits where there are many', () => {
  assert.deepEqual(parseIpv6Stats('0009 0006 000a 0007 0000 0003 0000\n'), { routes: 7, cached: 3 });
  assert.deepEqual(parseIpv6Stats('61a83 30d43 61a85 30d42 0000 12345 0000\n'), { routes: 200_002, cached: 0x12345 });
  assert.throws(() => parseIpv6Stats('0009 0006\n'), /rt6_stats is unreadable/);
});

const TRIE = (name: string, prefixes: number, depth = '2.42') =>
  `${name}:\n\tAver depth:     ${depth}\n\tMax depth:      3\n\tLeaves:         7\n\tPrefixes:       ${prefixes}\n` +
  'Total size: 2  kB\n';
const BASIC = 'Basic info: size of leaf: 48 bytes, size of tnode: 40 bytes.\n';

test('fib_triestat: main and local, shown twice while they are one trie, count once', () => {
  const tries = parseTries(`${BASIC}${TRIE('Id 100', 5)}Id 7:\n${TRIE('Main', 1_000_003)}${TRIE('Local', 1_000_003)}`);
  assert.deepEqual(
    tries.map(({ name, routes }) => [name, routes]),
    [
      ['Id 100', 5],
      ['Id 7', 0],
      ['Main', 1_000_003],
      ['Local', 1_000_003],
    ],
  );
  assert.equal(sumOfTries(tries, true), 1_000_008);
  // So many, and the same text: that is no chance.
  assert.equal(sumOfTries(tries, null), 1_000_008);
});

test('fib_triestat: while a table is loaded, two looks at one trie differ, and are no two tables', () => {
  const tries = parseTries(`${BASIC}${TRIE('Id 9', 2)}${TRIE('Main', 131_073)}${TRIE('Local', 149_912, '2.50')}`);
  assert.equal(sumOfTries(tries, true), 131_075);
  assert.equal(sumOfTries(tries, null), null, 'unknown before a guess');
  assert.equal(sumOfTries(tries, false), 280_987);
});

test('fib_triestat: tables that differ add up, and small ones that look the same cannot be told', () => {
  const two = (depth?: string) => parseTries(`${BASIC}${TRIE('Main', 4)}${TRIE('Local', 4, depth)}`);
  assert.equal(sumOfTries(two('1.00'), false), 8);
  assert.equal(sumOfTries(two(), false), 8);
  assert.equal(sumOfTries(two(), true), 4);
  assert.equal(sumOfTries(two(), null), null);
  for (const known of [true, false, null]) {
    assert.equal(sumOfTries(parseTries(`${BASIC}${TRIE('Local', 3)}`), known), 3);
    assert.equal(sumOfTries(parseTries(BASIC), known), 0);
  }
});

test('slab caches: those of their own, not those merged with others', (t) => {
  const cache = (aliases: number) => ({ aliases: `${aliases}\n`, total_objects: '949 N0=949\n', slab_size: '56\n' });
  const files = { ip_fib_alias: cache(0), ip_fib_trie: cache(3) };
  const flat = Object.entries(files).flatMap(([name, each]) => {
    return Object.entries(each).map(([file, text]) => [`${name}/${file}`, text] as const);
  });
  assert.deepEqual(routeSlabs(scratch(t, Object.fromEntries(flat))), [{ name: 'ip_fib_alias', bytes: 949 * 56 }]);
});

test('route counters: growth is that of the last ten minutes', () => {
  const growth = new Growth();
  assert.equal(growth.add(0, 100), null);
  assert.equal(growth.add(5_000, 150), 10);
  assert.equal(growth.add(600_000, 100), 0);
  assert.equal(growth.add(630_000, 700), (700 - 100) / 630);
  // Growth of more than ten minutes ago no longer counts.
  assert.equal(growth.add(1_200_000, 700), 600 / 600);
  assert.equal(growth.add(1_230_000, 700), 0);
});

const ENFORCED = { value: '4096', enforced: true, release: '5.10.0', why: 'it bounds the cache' };

test('a limit: only where it is in force, against what the kernel compares with it', () => {
  const metrics = (...args: Parameters<typeof againstLimit>) =>
    againstLimit(...args).map((reading) => (reading.kind === 'sample' ? [reading.metric, reading.value] : reading));
  assert.deepEqual(metrics(null, 0, 9, 1), []);
  assert.deepEqual(metrics({ ...ENFORCED, enforced: false }, 4096, 9000, 5), [
    ['system.network.route.limit.enforced', 0],
  ]);
  assert.deepEqual(metrics(ENFORCED, 4096, 1024, 2), [
    ['system.network.route.limit.enforced', 1],
    ['system.network.route.limit', 4096],
    ['system.network.route.cache', 1024],
    ['system.network.route.utilization', 0.25],
    ['system.network.route.time_to_limit', 1536],
  ]);
  assert.equal(metrics(ENFORCED, 4096, 1024, -2).length, 4);
});

test('route counters: a limit that is near, and one of which nobody knows whether it is in force', () => {
  const [near] = againstLimit(ENFORCED, 4096, 4000, null).filter((reading) => reading.kind === 'condition');
  assert.equal(near?.code, 'table-near-limit');
  assert.match(near.body, /^4000 of 4096 .*Raise net\.ipv6\.route\.max_size/);
  const [unknown, ...others] = againstLimit({ ...ENFORCED, enforced: null, why: 'no unshare' }, 4096, 4000, null);
  assert.ok(unknown?.kind === 'condition' && unknown.code === 'route-limit-unknown');
  assert.match(unknown.body, /no unshare/);
  assert.deepEqual(others, []);
});

test('route counters: by table and protocol, at most 200 series, and no route left out', () => {
  const counts = Array.from({ length: 1000 }, (_, n) => ({
    table: 1000 + n,
    protocol: 186,
    routes: n + 1,
    offloadFailed: 0,
  }));
  const samples = byProtocol('ipv4', counts);
  assert.equal(samples.length, 200);
  assert.equal(
    samples.reduce((sum, { value }) => sum + value, 0),
    (1000 * 1001) / 2,
  );
  assert.deepEqual(samples[0]?.attributes, { 'network.type': 'ipv4', table: '1999', protocol: 'bgp' });
  assert.deepEqual(samples.at(-1)?.attributes, { 'network.type': 'ipv4', table: 'other', protocol: 'other' });
});

test('route counters: what the hardware did not take is a condition; where there is none nothing is said, as 0 could be not known', () => {
  const taken = { table: 254, protocol: 3, routes: 9, offloadFailed: 0 };
  assert.deepEqual(offloadFailed('ipv4', [taken]), []);
  const counts = [taken, { ...taken, protocol: 186, offloadFailed: 2 }, { ...taken, protocol: 12, offloadFailed: 1 }];
  const [told, condition] = offloadFailed('ipv6', counts);
  assert.ok(told?.kind === 'sample' && told.value === 3);
  assert.ok(condition?.kind === 'condition' && condition.code === 'route-offload-failed');
  assert.match(condition.body, /^The hardware did not take 3 IPv6 routes \(bgp, bird\) that the kernel has/);
});
