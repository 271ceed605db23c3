/** What routes mean once the cloud's metadata is put in, and what of the record of ours is believed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DesiredRoute } from '../../../agent/config/desired.ts';
import { Host } from '../../../agent/host/host.ts';
import type { MetadataSource, ResolvedWish } from '../../../agent/metadata/source.ts';
import { addressesOf, routeName, wantedRoutes } from '../../../agent/metadata/wanted-routes.ts';
import { wishKey } from '../../../agent/metadata/wishes.ts';
import { hasRouteRecord, readRouteRecord } from '../../../agent/resources/routes/made.ts';
import { Routes } from '../../../agent/resources/routes/routes.ts';
import { accepted, type Plain } from '../../parts/accepted.ts';
import { route } from '../../parts/desired.ts';
import { scratch } from '../../parts/scratch.ts';

const hop = { via: '10.0.1.1', dev: 'eth0', weight: 1, onlink: false };
const VPC: DesiredRoute = { ...route('', [hop]), to: { metadata: 'vpc-ipv4-cidr-blocks' } };

/** `known`: values by wish; null: not known yet. */
function metadata(known: Record<string, Plain<Partial<ResolvedWish>>>): MetadataSource {
  return {
    resolve: (wish) => accepted({ values: null, asOf: null, source: 'EC2', problem: null, ...known[wishKey(wish)] }),
  };
}

test('wanted routes: one route for each network, by the interface that it leads to', () => {
  const source = metadata({ 'vpc-ipv4-cidr-blocks eth0': { values: ['10.0.0.0/16', '10.1.0.0/16'] } });
  const wanted = wantedRoutes([VPC], source);
  assert.deepEqual(
    wanted.map(({ name, wish, route }) => [name, wish, route?.hops[0]?.gateway]),
    [
      ['10.0.0.0/16', 'vpc-ipv4-cidr-blocks eth0', '10.0.1.1'],
      ['10.1.0.0/16', 'vpc-ipv4-cidr-blocks eth0', '10.0.1.1'],
    ],
  );
  assert.deepEqual(wantedRoutes([VPC], metadata({ 'vpc-ipv4-cidr-blocks eth0': { values: [] } })), []);
});

test('wanted routes: what is not known yet is no empty answer, and says why', () => {
  const [wanted] = wantedRoutes([VPC], metadata({ 'vpc-ipv4-cidr-blocks eth0': { problem: 'timed out' } }));
  assert.equal(wanted!.route, null);
  assert.equal(wanted!.problem, 'vpc-ipv4-cidr-blocks eth0 is not known yet: timed out');
  const gateway = route('10.5.0.0/16', [{ ...hop, via: { metadata: 'subnet-gateway' } }]);
  assert.equal(wantedRoutes([gateway], metadata({}))[0]!.route, null);
  const none = metadata({ 'subnet-gateway eth0': { values: [] } });
  assert.equal(wantedRoutes([gateway], none)[0]!.problem, 'there is no subnet-gateway eth0');
});

test('wanted routes: what was known once is used, with the reason why it may be old', () => {
  const old = metadata({ 'vpc-ipv4-cidr-blocks eth0': { values: ['10.0.0.0/16'], problem: '403' } });
  const [wanted] = wantedRoutes([VPC], old);
  assert.notEqual(wanted!.route, null);
  assert.equal(wanted!.problem, 'vpc-ipv4-cidr-blocks eth0 is of EC2: 403');
});

test('wanted routes: of two entries that come to the same network the first counts', () => {
  const source = metadata({ 'vpc-ipv4-cidr-blocks eth0': { values: ['10.0.0.0/16'] } });
  const [first, second] = wantedRoutes([route('10.0.0.0/16', [hop]), VPC], source);
  assert.notEqual(first!.route, null);
  assert.equal(second!.route, null);
  assert.match(second!.problem!, /another entry/);
});

test('wanted routes: names are those of ip-route', () => {
  const key = { family: 'ipv4', destination: '10.0.0.0/8', table: 254, metric: 0 } as const;
  assert.equal(routeName(key), '10.0.0.0/8');
  assert.equal(routeName({ ...key, table: 100, metric: 7 }), '10.0.0.0/8 table 100 metric 7');
  assert.equal(routeName({ ...key, family: 'ipv6', destination: '::/0', metric: 1024 }), '::/0');
});

test('wanted routes: two addresses of a network', () => {
  assert.deepEqual(addressesOf(accepted('10.0.0.0/9')), ['10.0.0.0', '10.127.255.255']);
  assert.deepEqual(addressesOf(accepted('10.0.0.5/32')), ['10.0.0.5', '10.0.0.5']);
  assert.deepEqual(addressesOf(accepted('2001:db8::/33')), ['2001:db8::', '2001:db8:7fff:ffff:ffff:ffff:ffff:ffff']);
  assert.equal(addressesOf(accepted('0.0.0.0/0')).includes(accepted('0.0.0.0')), false);
});

test('wanted routes: below another root nothing is asked of this kernel', async (t) => {
  const host = new Host({ root: scratch(t, { 'run/holdfast/routes': '[]' }) });
  const state = { provider: 'auto', endpoint: { host: '169.254.169.254', port: 80 }, interval: 60_000 } as const;
  const findings = await new Routes(host, {
    routes: [route('10.0.0.0/16', [hop]), VPC],
    rules: [],
    metadata: state,
  }).inspect();
  assert.deepEqual(
    findings.map(({ key, state }) => [key, state]),
    [
      ['route 10.0.0.0/16', 'skipped'],
      ['route metadata:vpc-ipv4-cidr-blocks eth0', 'skipped'],
    ],
  );
});

const MADE = { family: 'ipv4', destination: '10.0.0.0/16', table: 254, metric: 0, wish: null, replaced: null };

test('wanted routes: a damaged record says nothing, and a whole line of it what it says', (t) => {
  const read = (text: string) => readRouteRecord(new Host({ root: scratch(t, { 'run/holdfast/routes': text }) }));
  for (const text of ['', '{', 'null', '{}', '"x"', '[null, 1, {}]']) assert.deepEqual(read(text), [], text);
  for (const [field, value] of Object.entries({
    family: 'ipx',
    destination: '10.0.0.0/16; rm',
    table: '254',
    metric: null,
    wish: 5,
    replaced: 'zz',
  })) {
    assert.deepEqual(read(JSON.stringify([{ ...MADE, [field]: value }, MADE])), [MADE], field);
  }
});

test('wanted routes: what the hook made is ours, too, and what the agent knows of it counts', (t) => {
  const replaced = 'ab'.repeat(12);
  const root = scratch(t, {
    'run/holdfast/routes': JSON.stringify([{ ...MADE, replaced }]),
    'run/holdfast/routes.hook': JSON.stringify([MADE, { ...MADE, metric: 9 }]),
  });
  const host = new Host({ root });
  assert.equal(hasRouteRecord(host), true);
  assert.deepEqual(readRouteRecord(host), [
    { ...MADE, replaced },
    { ...MADE, metric: 9 },
  ]);
  assert.equal(hasRouteRecord(new Host({ root: scratch(t) })), false);
});
