/** The cloud's values: fetched, checked, saved, and kept while the service fails. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import type { MetadataWish } from '../../../agent/config/desired-metadata.ts';
import { Host } from '../../../agent/host/host.ts';
import { Metadata } from '../../../agent/metadata/metadata.ts';
import { NO_METADATA } from '../../parts/desired.ts';
import type { Failure } from '../../parts/lab/metadata-service.ts';
import { ETH0, ETH1, fill, INTERFACES, problemOf, scene, sysfs, VPC } from '../../parts/metadata-scene.ts';
import { REPOSITORY } from '../../parts/repository.ts';

const RECORD = 'var/lib/holdfast/metadata.json';

test('metadata: what an instance has is fetched, per interface, and known to the next command without asking', async (t) => {
  const { metadata, refresh, service, folder } = await scene(t);
  const wishes: MetadataWish[] = [
    VPC,
    { name: 'vpc-ipv4-cidr-block', interface: null },
    { name: 'vpc-ipv6-cidr-blocks', interface: 'eth0' },
    { name: 'subnet-ipv4-cidr-block', interface: 'eth1' },
    { name: 'subnet-gateway', interface: 'eth1' },
    { name: 'subnet-gateway', interface: null },
  ];
  const values = (one: Metadata) => wishes.map((wish) => one.resolve(wish).values);
  const first = metadata(...wishes);
  assert.deepEqual(values(first), [null, null, null, null, null, null]);
  assert.equal(first.resolve(VPC).problem, 'it was never fetched');
  assert.equal(first.due(), true);

  await refresh(first);
  const expected = [
    ['10.0.0.0/16', '10.1.0.0/16'],
    ['10.0.0.0/16'],
    ['2001:db8:12::/56'],
    ['10.0.32.0/24'],
    ['10.0.32.1'],
    ['10.0.16.1'],
  ];
  assert.deepEqual(values(first), expected);
  const asked = service.requests.length;
  const second = metadata(...wishes);
  assert.deepEqual(values(second), expected);
  assert.equal(second.due(), false);
  assert.equal(second.due(Date.now() + 2 * NO_METADATA.interval + 1), true);
  assert.equal(second.due(Date.now() - 60_000), true, 'the clock was put back');
  assert.equal(service.requests.length, asked);
  assert.equal(statSync(join(folder, RECORD)).mode & 0o777, 0o600);
  assert.doesNotMatch(readFileSync(join(folder, RECORD), 'utf8'), /SECRET/);
});

/** The message about each failure. */
const FAILURES: Record<Failure, RegExp> = {
  silent: /took the connection and did not answer in time/,
  'status-500': /it fails \(500 for \/latest\/meta-data\/network\/interfaces\/macs\//,
  'status-503': /overloaded \(503/,
  'status-404': /does not give \/latest\/meta-data\/network\/interfaces\/macs\/ \(404\)/,
  unauthorized: /\(401\)/,
  forbidden: /\(403\): the service is switched off/,
  redirect: /redirects to "http:\/\/10\.9\.9\.9\/", as no metadata service does/,
  empty: /has no hardware address/,
  truncated: /cut before the answer was whole/,
  garbage: /no plain text/,
  'web-page': /a web page/,
  'no-http': /is no HTTP/,
  'huge-headers': /HPE_HEADER_OVERFLOW/,
  compressed: /an encoding that was not asked for \("gzip"\)/,
  huge: /larger than 64 KiB/,
  slow: /did not answer in time/,
  everything: /has no hardware address/,
  'half-of-everything': /has no hardware address/,
  multicast: /has no hardware address/,
  'link-local': /has no hardware address/,
  'host-bits': /has no hardware address/,
  words: /has no hardware address/,
  'too-many': /has no hardware address/,
  'other-family': /has no hardware address/,
  flipping: /has no hardware address/,
};

test('metadata: whatever fails, the last good answer stays with its age, and why is said', async (t) => {
  const { metadata, refresh, service } = await scene(t);
  const known = metadata(VPC);
  await refresh(known);
  const before = known.resolve(VPC);
  assert.deepEqual(before.values, ['10.0.0.0/16', '10.1.0.0/16']);
  for (const [failure, reason] of Object.entries(FAILURES)) {
    service.behaviour = { ...service.behaviour, failure: failure as Failure };
    const problem = problemOf(await refresh(known), VPC);
    assert.match(problem ?? '', reason, failure);
    assert.deepEqual(metadata(VPC).resolve(VPC), { ...before, problem }, failure);
  }
  service.close();
  assert.match(problemOf(await refresh(known), VPC) ?? '', /127\.0\.0\.1:\d+: nothing listens there/);
  assert.deepEqual(known.resolve(VPC).values, before.values);
});

/** Failures in which only the value itself is wrong. */
const ABSURD: Partial<Record<Failure, RegExp>> = {
  everything: /0\.0\.0\.0\/0 is wider than any network of a cloud/,
  'half-of-everything': /128\.0\.0\.0\/1 is wider/,
  multicast: /224\.0\.0\.0\/8 is no network that hosts can have/,
  'link-local': /169\.254\.0\.0\/16 is no network that hosts can have/,
  'host-bits': /has host bits set/,
  words: /"10.0.0.0\/16; rm -rf \/" is no network/,
  'too-many': /has 200 values/,
  'other-family': /is not IPv4/,
  empty: /is empty/,
  'status-404': /\(404\)/,
  'status-500': /\(500/,
};

test('metadata: a value that no cloud has is refused; the others of the same fetch count', async (t) => {
  const { metadata, refresh, service } = await scene(t);
  const gateway: MetadataWish = { name: 'subnet-gateway', interface: null };
  for (const [failure, reason] of Object.entries(ABSURD)) {
    service.behaviour = { ...service.behaviour, failure: failure as Failure, at: '/vpc-ipv4-cidr-blocks' };
    const fresh = metadata(VPC, gateway);
    assert.match(problemOf(await refresh(fresh), VPC) ?? '', reason, failure);
    // Never known is not "none".
    assert.equal(fresh.resolve(VPC).values, null, failure);
    assert.deepEqual(fresh.resolve(gateway).values, ['10.0.16.1'], failure);
  }
});

test('metadata: IPv6 that a VPC does not have is none; that a 404 alone says so is not believed', async (t) => {
  const { metadata, refresh, service } = await scene(t);
  const vpc6: MetadataWish = { name: 'vpc-ipv6-cidr-blocks', interface: 'eth0' };
  const known = metadata(vpc6);
  await refresh(known);
  assert.deepEqual(known.resolve(vpc6).values, ['2001:db8:12::/56']);
  // It stands in the interface's folder still.
  service.behaviour = { ...service.behaviour, failure: 'status-404', at: 'vpc-ipv6' };
  assert.match(problemOf(await refresh(known), vpc6) ?? '', /\(404\)/);
  assert.deepEqual(known.resolve(vpc6).values, ['2001:db8:12::/56']);
  // And there is no folder.
  service.behaviour = { ...service.behaviour, failure: 'status-404', at: `${ETH0}/` };
  assert.match(problemOf(await refresh(known), vpc6) ?? '', /\(404\)/);
  assert.deepEqual(known.resolve(vpc6).values, ['2001:db8:12::/56']);

  const { 'vpc-ipv6-cidr-blocks': _, ...without } = INTERFACES[ETH0]!;
  service.behaviour = { ...service.behaviour, failure: null, interfaces: { ...INTERFACES, [ETH0]: without } };
  assert.equal(problemOf(await refresh(known), vpc6), null);
  assert.deepEqual(known.resolve(vpc6).values, []);
});

test('metadata: a token that ended is followed by a new one; one that is never taken is no endless loop', async (t) => {
  const { metadata, refresh, service } = await scene(t);
  const known = metadata(VPC);
  service.behaviour = { ...service.behaviour, failure: 'unauthorized' };
  const fetch = await refresh(known);
  assert.match(problemOf(fetch, VPC) ?? '', /\(401\)/);
  assert.equal(service.requests.filter((request) => request.startsWith('PUT')).length, 2);
  service.behaviour = { ...service.behaviour, failure: null };
  await refresh(known);
  assert.deepEqual(known.resolve(VPC).values, ['10.0.0.0/16', '10.1.0.0/16']);
});

test('metadata: without a token of the second version nothing is asked', async (t) => {
  const { metadata, refresh, service } = await scene(t);
  const said = async (failure: Failure) => {
    service.behaviour = { ...service.behaviour, failure, at: '/api/token' };
    return problemOf(await refresh(metadata(VPC)), VPC) ?? '';
  };
  assert.match(await said('status-404'), /does not give a token \(404\)/);
  assert.match(await said('forbidden'), /refuses a token \(403\)/);
  assert.match(await said('silent'), /hop limit \(HttpPutResponseHopLimit\) must be 2 or more/);
  assert.match(await said('words'), /no token of its second version/);
  assert.ok(service.requests.every((request) => request.startsWith('PUT')));
});

test('metadata: what is new counts at once; what is gone, when it was said twice', async (t) => {
  const { metadata, refresh, service } = await scene(t);
  const known = metadata(VPC);
  await refresh(known);
  const vpc = (text: string) => ({ ...INTERFACES, [ETH0]: { ...INTERFACES[ETH0], 'vpc-ipv4-cidr-blocks': text } });
  const rounds = async (text: string) => {
    service.requests.length = 0;
    service.behaviour = { ...service.behaviour, interfaces: vpc(text) };
    const changes = known.note(await known.fetch(new AbortController().signal));
    return [changes, service.requests.filter((request) => request.startsWith('PUT')).length] as const;
  };
  const source = 'EC2’s metadata';
  const more = ['10.0.0.0/16', '10.1.0.0/16', '10.2.0.0/16'];
  const before = ['10.0.0.0/16', '10.1.0.0/16'];
  assert.deepEqual(await rounds('10.2.0.0/16\n10.1.0.0/16\n10.0.0.0/16'), [
    [{ key: VPC.name, source, before, after: more }],
    1,
  ]);
  assert.deepEqual(await rounds('10.0.0.0/16'), [[{ key: VPC.name, source, before: more, after: ['10.0.0.0/16'] }], 2]);
  assert.deepEqual(await rounds('10.0.0.0/16'), [[], 1]);

  service.behaviour = { ...service.behaviour, failure: 'flipping', at: '/vpc-ipv4-cidr-blocks' };
  const fetch = await refresh(known);
  assert.match(problemOf(fetch, VPC) ?? '', /it said 10\.\d+\.0\.0\/16 and a moment later 10\.\d+\.0\.0\/16/);
  assert.deepEqual(known.resolve(VPC).values, ['10.0.0.0/16']);
});

test('metadata: a disk that was copied to another instance brings nothing along', async (t) => {
  const { metadata, refresh, folder, service } = await scene(t);
  await refresh(metadata(VPC));
  fill(folder, sysfs({ eth0: '0e:49:61:0f:c3:99' }));
  const copied = metadata(VPC);
  assert.deepEqual(copied.resolve(VPC).values, null);
  assert.equal(copied.due(), true);
  // The service still answers for the other one: a proxy, or another machine's service.
  assert.equal(problemOf(await refresh(copied), VPC), null);
  assert.match(
    copied.resolve(VPC).problem ?? '',
    /it speaks of 0e:49:61:0f:c3:11, which no interface of this host has/,
  );
  assert.equal(copied.resolve(VPC).values, null);
  // The name may be another after a boot.
  fill(folder, sysfs({ ens5: ETH0 }));
  await refresh(metadata(VPC));
  assert.deepEqual(metadata(VPC).resolve(VPC).values, ['10.0.0.0/16', '10.1.0.0/16']);
  assert.equal(
    service.requests.some((request) => request.includes('c3:99')),
    false,
  );
});

test('metadata: an interface that is late, as at boot, finds what was known of it', async (t) => {
  const { metadata, refresh, folder, service } = await scene(t);
  const wish: MetadataWish = { name: 'subnet-gateway', interface: 'eth1' };
  await refresh(metadata(wish));
  const device = join(folder, 'sys/class/net/eth1');
  rmSync(device, { recursive: true });
  service.close();
  for (let n = 0; n < 2; n += 1) await refresh(metadata(wish));
  assert.equal(metadata(wish).resolve(wish).values, null);
  fill(folder, sysfs({ eth1: ETH1 }));
  assert.deepEqual(metadata(wish).resolve(wish).values, ['10.0.32.1']);
});

test('metadata: an interface that is not there, or not the cloud’s, is said', async (t) => {
  const { metadata, refresh, folder } = await scene(t);
  fill(folder, sysfs({ dummy0: '02:00:00:00:00:01' }));
  const [gone, foreign]: MetadataWish[] = ['eth9', 'dummy0'].map((name) => ({
    name: 'subnet-gateway',
    interface: name,
  }));
  const known = metadata(VPC, gone!, foreign!);
  const fetch = await refresh(known);
  assert.match(problemOf(fetch, gone!) ?? '', /there is no interface eth9/);
  assert.match(problemOf(fetch, foreign!) ?? '', /knows no interface with the hardware address 02:00:00:00:00:01/);
  assert.equal(problemOf(fetch, VPC), null);
});

test('metadata: below another root nothing is known and nothing is due', async (t) => {
  const { metadata, refresh, folder } = await scene(t);
  await refresh(metadata(VPC));
  const image = new Metadata(new Host({ root: folder }), NO_METADATA, [VPC]);
  assert.equal(image.resolve(VPC).values, null);
  assert.equal(image.due(), false);
});

test('metadata: a damaged record, or one that holds what is no address, counts for nothing', async (t) => {
  const { metadata, refresh, folder } = await scene(t);
  await refresh(metadata(VPC));
  const text = readFileSync(join(folder, RECORD), 'utf8');
  for (const damaged of [
    text.slice(0, -9),
    '',
    '[]',
    '{"fetched":[1]}',
    text.replace('10.1.0.0/16', '10.1.0.0/16; rm -rf /'),
    ...['::::', '10.1.0.0/33', '10.1.2.3/16', '10.1'].map((odd) => text.replace('10.1.0.0/16', odd)),
    text.replace(/"asOf":\d+/, '"asOf":"now"'),
  ]) {
    writeFileSync(join(folder, RECORD), damaged);
    assert.equal(metadata(VPC).resolve(VPC).values, null, damaged);
    assert.equal(metadata(VPC).due(), true);
  }
});

test('metadata: where the disk takes nothing it is kept in memory, until the disk takes it again', async (t) => {
  const { metadata, refresh, folder } = await scene(t);
  fill(folder, { 'var/lib/holdfast': 'no folder\n' });
  await refresh(metadata(VPC));
  assert.deepEqual(metadata(VPC).resolve(VPC).values, ['10.0.0.0/16', '10.1.0.0/16']);
  rmSync(join(folder, 'var/lib/holdfast'));
  await refresh(metadata(VPC));
  assert.equal(existsSync(join(folder, 'run/holdfast/metadata.json')), false);
  assert.deepEqual(metadata(VPC).resolve(VPC).values, ['10.0.0.0/16', '10.1.0.0/16']);
});

test('metadata: what somebody else fetched meanwhile counts, not what was asked before', async (t) => {
  const { metadata, refresh, service } = await scene(t);
  const slow = metadata(VPC);
  const asked = await slow.fetch(new AbortController().signal);
  service.behaviour = { ...service.behaviour, interfaces: { [ETH0]: { 'vpc-ipv4-cidr-blocks': '10.7.0.0/16' } } };
  await refresh(metadata(VPC));
  assert.deepEqual(slow.note(asked), []);
  assert.deepEqual(slow.resolve(VPC).values, ['10.7.0.0/16']);
});

test('metadata: its time limit ends a fetch, whatever the service does', async (t) => {
  const { metadata, refresh, service } = await scene(t);
  service.behaviour = { ...service.behaviour, failure: 'silent' };
  const fetch = await refresh(metadata(VPC), AbortSignal.timeout(100));
  assert.match(problemOf(fetch, VPC) ?? '', /in time/);
  assert.match(problemOf(await refresh(metadata(VPC), AbortSignal.abort()), VPC) ?? '', /in time/);
});

test('metadata: no proxy of the environment is asked', async (t) => {
  const { service, folder } = await scene(t);
  let asked = 0;
  const proxy = createServer((socket) => {
    asked += 1;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  t.after(() => proxy.close());
  await once(proxy, 'listening');
  const { port } = proxy.address() as { port: number };
  const program = `
    import { Host } from '${REPOSITORY}/agent/host/host.ts';
    import { Metadata } from '${REPOSITORY}/agent/metadata/metadata.ts';
    const desired = { provider: 'ec2', endpoint: { host: '127.0.0.1', port: ${service.port} }, interval: 1000 };
    const metadata = new Metadata(new Host({ root: '${folder}', live: true }), desired, [${JSON.stringify(VPC)}]);
    metadata.note(await metadata.fetch(new AbortController().signal));
    console.log(JSON.stringify(metadata.resolve(${JSON.stringify(VPC)}).values));`;
  const url = `http://127.0.0.1:${port}`;
  const env = { PATH: process.env.PATH, NODE_USE_ENV_PROXY: '1', HTTP_PROXY: url, http_proxy: url, ALL_PROXY: url };
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { env });
  assert.deepEqual(JSON.parse(stdout), ['10.0.0.0/16', '10.1.0.0/16']);
  assert.equal(asked, 0);
});
