/** Each mistake in `routes` is refused with its place and a remedy. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DesiredRoute } from '../../../agent/config/desired.ts';
import type { Plain } from '../../parts/accepted.ts';
import { errorsOf, load } from '../../parts/config-memory.ts';

const PLAIN: Plain<DesiredRoute> = {
  to: '10.0.0.0/16',
  family: 'ipv4',
  type: 'unicast',
  nexthops: [{ via: '10.0.1.1', dev: null, weight: 1, onlink: false }],
  nexthopId: null,
  table: 254,
  metric: 0,
  src: null,
  mtu: null,
  takeOver: false,
};
const hop = PLAIN.nexthops[0]!;

/** Each entry of `routes`, with its meaning. */
const MEANINGS: [yaml: string, meaning: Plain<DesiredRoute>][] = [
  ['{ to: 10.0.0.0/16, via: 10.0.1.1 }', PLAIN],
  ['{ to: 10.9.9.9, via: 10.0.1.1 }', { ...PLAIN, to: '10.9.9.9/32' }],
  ['{ to: default, via: 10.0.1.1 }', { ...PLAIN, to: '0.0.0.0/0' }],
  [
    '{ to: default, via: "FE80:0::1", dev: eth0 }',
    { ...PLAIN, to: '::/0', family: 'ipv6', metric: 1024, nexthops: [{ ...hop, via: 'fe80::1', dev: 'eth0' }] },
  ],
  // RFC 5549
  [
    '{ to: 0.0.0.0/0, via: "fe80::1", dev: eth0 }',
    { ...PLAIN, to: '0.0.0.0/0', nexthops: [{ ...hop, via: 'fe80::1', dev: 'eth0' }] },
  ],
  ['{ to: 10.0.0.0/16, nhid: 42, mtu: 1400 }', { ...PLAIN, nexthops: [], nexthopId: 42, mtu: 1400 }],
  ['{ to: 10.0.0.0/16, type: blackhole, table: default }', { ...PLAIN, type: 'blackhole', nexthops: [], table: 253 }],
  [
    '{ to: 10.0.0.0/16, via: 10.0.1.1, dev: eth0, onlink: true, table: 4294967295, metric: 7, src: 10.0.1.5, mtu: 1400, takeOver: true }',
    {
      ...PLAIN,
      nexthops: [{ ...hop, dev: 'eth0', onlink: true }],
      table: 4294967295,
      metric: 7,
      src: '10.0.1.5',
      mtu: 1400,
      takeOver: true,
    },
  ],
  [
    '{ to: 10.0.0.0/16, nexthops: [{ via: 10.0.1.1, weight: 256 }, { dev: eth1 }] }',
    {
      ...PLAIN,
      nexthops: [
        { ...hop, weight: 256 },
        { ...hop, via: null, dev: 'eth1' },
      ],
    },
  ],
  [
    '{ to: metadata:vpc-ipv6-cidr-blocks, dev: eth0 }',
    {
      ...PLAIN,
      to: { metadata: 'vpc-ipv6-cidr-blocks' },
      family: 'ipv6',
      metric: 1024,
      nexthops: [{ ...hop, via: null, dev: 'eth0' }],
    },
  ],
  [
    '{ to: default, nexthops: [{ dev: eth0 }, { via: metadata:subnet-gateway }] }',
    {
      ...PLAIN,
      to: '0.0.0.0/0',
      nexthops: [
        { ...hop, via: null, dev: 'eth0' },
        { ...hop, via: { metadata: 'subnet-gateway' } },
      ],
    },
  ],
];

for (const [yaml, meaning] of MEANINGS) {
  test(`routes: the route means what was written: ${yaml}`, async () => {
    const result = await load(`routes: [${yaml}]`);
    assert.ok(result.ok, JSON.stringify(result));
    assert.deepEqual(result.desired.routes, [meaning]);
  });
}

/** Each entry with all its errors; `agent.yaml:` is left out of them. */
const ERRORS: [yaml: string, ...errors: string[]][] = [
  ['{ via: 10.0.0.1 }', '1:10: routes[0].to: is missing; write it'],
  ['{ to: 10.0.0.0/8 }', '1:10: routes[0]: leads nowhere; write via, or dev, or a type'],
  [
    '{ to: 10.0.1.0/8, dev: eth0 }',
    '1:16: routes[0].to: "10.0.1.0/8" has host bits set; write 10.0.0.0/8, or 10.0.1.0 for this one address',
  ],
  [
    '{ to: metadata:vpc-cidr, dev: eth0 }',
    '1:16: routes[0].to: "vpc-cidr" is no network of the metadata service; write one of vpc-ipv4-cidr-block, vpc-ipv4-cidr-blocks, vpc-ipv6-cidr-blocks, subnet-ipv4-cidr-block, subnet-ipv6-cidr-blocks',
  ],
  ['{ to: default, dev: eth0 }', '1:16: routes[0].to: has no family; write 0.0.0.0/0 or "::/0"'],
  [
    '{ to: "::/0", via: subnet-gateway }',
    '1:29: routes[0].via: is an IPv4 gateway, which cannot serve an IPv6 destination; write an IPv6 gateway',
  ],
  [
    '{ to: "::/0", nexthops: [{ via: "2001:db8::1" }, { dev: eth0 }] }',
    '1:59: routes[0].nexthops[1]: IPv6 spreads flows only among gateways; also write via',
  ],
  [
    '{ to: 10.0.0.0/8, via: gateway.example }',
    '1:33: routes[0].via: "gateway.example" is not an IP address; write one such as 10.0.0.1 or fe80::1',
  ],
  [
    '{ to: 10.0.0.0/8, via: "fe80::1%eth0" }',
    '1:33: routes[0].via: "fe80::1%eth0": write only fe80::1, and the interface as dev',
  ],
  [
    '{ to: 10.0.0.0/8, via: 224.0.0.1 }',
    '1:33: routes[0].via: "224.0.0.1" is the address of a group (multicast); write the address of one machine',
  ],
  [
    '{ to: "2001:db8:1::/48", via: "ff02::1", dev: eth0 }',
    '1:40: routes[0].via: "ff02::1" is the address of a group (multicast); write the address of one machine',
  ],
  [
    '{ to: 10.0.0.0/8, via: 255.255.255.255 }',
    '1:33: routes[0].via: "255.255.255.255" is the address of a whole network (broadcast); write the address of one machine',
  ],
  [
    '{ to: 10.0.0.0/8, via: 0.0.0.0 }',
    '1:33: routes[0].via: "0.0.0.0" is no address; write the address of one machine',
  ],
  [
    '{ to: "2001:db8::/32", via: 10.0.0.1 }',
    '1:38: routes[0].via: is an IPv4 gateway, which cannot serve an IPv6 destination; write an IPv6 gateway',
  ],
  ['{ to: 10.0.0.0/8, via: "fe80::1" }', '1:33: routes[0].via: is link-local and needs its interface; also write dev'],
  ['{ to: 10.0.0.0/8, via: 10.0.0.1, onlink: true }', '1:43: routes[0].onlink: needs the interface; also write dev'],
  ['{ to: 10.0.0.0/8, dev: eth0, onlink: true }', '1:39: routes[0].onlink: needs a gateway; also write via'],
  [
    '{ to: 10.0.0.0/8, via: 10.0.0.1, nexthops: [{ dev: eth0 }, {}] }',
    '1:28: routes[0].via: belongs into each entry of nexthops; write it there',
    '1:69: routes[0].nexthops[1]: leads nowhere; write via, or dev, or a type',
  ],
  [
    '{ to: 10.0.0.0/8, type: blackhole, via: 10.0.0.1 }',
    '1:45: routes[0].via: a route of type blackhole leads nowhere; leave this out',
  ],
  [
    '{ to: 10.0.0.0/8, nhid: 42, via: 10.0.0.1, nexthops: [{ dev: eth0 }] }',
    '1:38: routes[0].via: is set by the nexthop object; leave out either this key or nhid',
    '1:53: routes[0].nexthops: is set by the nexthop object; leave out either this key or nhid',
  ],
  [
    '{ to: 10.0.0.0/8, type: prohibit, nhid: 42 }',
    '1:44: routes[0].nhid: a route of type prohibit leads nowhere; leave this out',
  ],
  ['{ to: default, nhid: 42 }', '1:16: routes[0].to: has no family; write 0.0.0.0/0 or "::/0"'],
  ['{ to: 10.0.0.0/8, nhid: 0 }', '1:34: routes[0].nhid: write a whole number from 1 to 4294967295'],
  ['{ to: 10.0.0.0/8, type: blackhol }', '1:34: routes[0].type: "blackhol" is not known; did you mean "blackhole"?'],
  ['{ to: 10.0.0.0/8, dev: eth0, src: "::1" }', '1:39: routes[0].src: is of another family than 10.0.0.0/8'],
  ['{ to: "2001:db8::/32", dev: eth0, metric: 0 }', '1:44: routes[0].metric: IPv6 has no metric 0; write 1 or more'],
  ['{ to: "2001:db8::/32", dev: eth0, mtu: 1000 }', '1:44: routes[0].mtu: IPv6 needs 1280 bytes at least (RFC 8200)'],
  ['{ to: 10.0.0.0/8, dev: eth0, mtu: 67 }', '1:44: routes[0].mtu: write a whole number from 68 to 65535'],
  [
    '{ to: 10.0.0.0/8, dev: eth0, table: mian }',
    '1:46: routes[0].table: "mian" is no table; write main, default or its number, 1 to 4294967295',
  ],
  [
    '{ to: 10.0.0.0/8, dev: eth0, table: 255 }',
    '1:46: routes[0].table: the table local belongs to the kernel; write another table',
  ],
  [
    '{ to: 10.0.0.0/8, dev: eth0 }, { to: 10.0.0.0/8, via: 10.0.0.1, table: 254, metric: 0 }',
    '1:41: routes[1]: has destination, table and metric of the route at agent.yaml:1; keep one, or write nexthops',
  ],
];

for (const [yaml, ...errors] of ERRORS) {
  test(`routes: the mistake is refused with place and remedy: ${yaml}`, async () => {
    const found = await errorsOf(`routes: [${yaml}]`);
    assert.deepEqual(
      found,
      errors.map((error) => `agent.yaml:${error}`),
    );
  });
}
