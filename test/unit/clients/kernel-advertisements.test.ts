/** What the kernel keeps of router advertisements becomes advertisements again; what is of other origin does not. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { IpAddress } from '../../../agent/address/accepted.ts';
import {
  kernelAdvertisements,
  kernelLease6,
  wholeAdvertisement,
} from '../../../agent/clients/kernel-advertisements.ts';
import { accepted } from '../../parts/accepted.ts';
import { DUAL, ipHost, type Shown } from '../../parts/ip-host.ts';

const LEASED: IpAddress = accepted('2001:db8::100');

type Known = Parameters<typeof kernelAdvertisements>[2];

function read(t: TestContext, shown: Shown, known: Partial<Known> = {}) {
  return kernelAdvertisements(ipHost(t, shown), 'eth0', { leased: LEASED, heard: [], ...known });
}

const PREFIX = { prefix: '2001:db8::/64', onLink: true, autonomous: true, valid: 7100, preferred: 3500 };

test('advertisements in the kernel: the default router, its prefix and its routes, with what is left of their time', (t) => {
  assert.deepEqual(read(t, DUAL), [
    {
      router: 'fe80::1',
      lifetime: 1795,
      preference: 'high',
      hopLimit: 0,
      mtu: 1400,
      prefixes: [PREFIX],
      routes: [{ prefix: '2001:db8:7::/48', preference: 'low', lifetime: 600 }],
    },
  ]);
});

test('advertisements in the kernel: its own route of a prefix counts, and a route without a lifetime has a long one', (t) => {
  const routes = [
    { dst: 'default', gateway: 'fe80::1', protocol: 'ra' },
    { dst: '2001:db8:3::/64', protocol: 'kernel', expires: 100 },
    { dst: '2001:db8:4::/64', protocol: 'kernel' },
  ];
  const [one] = read(t, { routes });
  assert.equal(one?.lifetime, 1800);
  assert.deepEqual(
    one?.prefixes.map(({ prefix, autonomous }) => [prefix, autonomous]),
    [['2001:db8:3::/64', false]],
  );
});

test('advertisements in the kernel: two routers of one route, and a router that a program heard', (t) => {
  const routes = [{ dst: 'default', protocol: 'ra', nexthops: [{ gateway: 'fe80::1' }, { gateway: 'fe80::2' }] }];
  const found = read(t, { routes }, { heard: [accepted('fe80::2'), accepted('fe80::3')] });
  assert.deepEqual(
    found.map(({ router, lifetime }) => [router, lifetime]),
    [
      ['fe80::1', 1800],
      ['fe80::2', 1800],
      ['fe80::3', 0],
    ],
  );
});

test('advertisements in the kernel: a prefix without a default router has a router that is none', (t) => {
  const [one, ...others] = read(t, { addresses: DUAL.addresses });
  assert.deepEqual([one?.router, one?.lifetime, one?.prefixes], ['fe80::ffff:1', 0, [{ ...PREFIX, onLink: false }]]);
  assert.deepEqual(others, []);
});

test('advertisements in the kernel: of a temporary address and a lasting one, the lasting one knows the prefix’s time', (t) => {
  const temporary = { ...DUAL.addresses[1], local: '2001:db8::77', valid_life_time: 90, preferred_life_time: 0 };
  const [one] = read(t, { ...DUAL, addresses: [temporary, ...DUAL.addresses] });
  assert.deepEqual(one?.prefixes, [PREFIX]);
});

test('advertisements in the kernel: none where ip fails or shows what it never does', (t) => {
  assert.deepEqual(read(t, { routes: 'fails' }), []);
  assert.deepEqual(
    read(t, {
      routes: [
        { dst: 5, protocol: 'ra' },
        { dst: 'x', gateway: {}, protocol: 'ra' },
      ],
    }),
    [],
  );
  assert.deepEqual(read(t, { routes: [{ dst: 'default', gateway: '10.0.0.1', protocol: 'ra' }] }), []);
});

test('advertisements in the kernel: the lease of DHCPv6 is the address that stands alone', (t) => {
  assert.equal(kernelLease6(ipHost(t, DUAL), 'eth0'), '2001:db8::100');
  assert.equal(kernelLease6(ipHost(t, { addresses: DUAL.addresses.slice(1) }), 'eth0'), null);
});

test('advertisements in the kernel: with the servers of a program they are whole, without empty options', (t) => {
  const [part] = read(t, DUAL);
  const flags = { managed: true, other: false };
  const whole = wholeAdvertisement(part!, { ...flags, servers: [accepted('2001:db8::53')], domains: [] });
  assert.deepEqual(
    [whole.managed, whole.servers, whole.domains],
    [true, [{ addresses: ['2001:db8::53'], lifetime: 1800 }], []],
  );
});
