/** Routes as netlink messages: a written route reads the same. Damaged bytes give no route, or a part of one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { attribute, MESSAGE, message, uint32 } from '../../../../../agent/host/netlink/message-layout.ts';
import { groupMembers } from '../../../../../agent/host/netlink/routes/nexthops.ts';
import { deletionBody, type Route, type RouteHop, routeBody } from '../../../../../agent/host/netlink/routes/route.ts';
import { RTMSG } from '../../../../../agent/host/netlink/routes/rtmsg.ts';
import { readRoute } from '../../../../../agent/host/netlink/routes/seen-route.ts';
import { accepted } from '../../../../parts/accepted.ts';

const hop: RouteHop = accepted({ gateway: '10.0.1.1', index: 3, weight: 1, onlink: false });
const PLAIN: Route = accepted({
  family: 'ipv4',
  destination: '10.9.0.0/16',
  table: 254,
  metric: 5,
  protocol: 72,
  type: 1,
  hops: [hop],
  nexthopId: null,
  src: null,
  mtu: null,
});
const IPV6: Route = accepted({
  ...PLAIN,
  family: 'ipv6',
  destination: '2001:db8:9::/48',
  metric: 1024,
  hops: [{ ...hop, gateway: 'fe80::1' }],
});

const ROUTES: readonly Route[] = accepted([
  PLAIN,
  { ...PLAIN, table: 4294967295, metric: 4294967295, src: '10.0.1.5', mtu: 1400 },
  { ...PLAIN, destination: '0.0.0.0/0', metric: 0, hops: [{ ...hop, onlink: true }] },
  { ...PLAIN, hops: [{ ...hop, gateway: null }] },
  { ...PLAIN, hops: [{ ...hop, gateway: 'fe80::1' }] },
  { ...PLAIN, hops: [hop, { gateway: 'fe80::2', index: 4, weight: 256, onlink: true }, { ...hop, gateway: null }] },
  { ...PLAIN, type: 6, hops: [] },
  { ...PLAIN, hops: [], nexthopId: 42, src: '10.0.1.5' },
  IPV6,
  { ...IPV6, destination: '::/0', src: '2001:db8::5', mtu: 1280, table: 1000 },
  {
    ...IPV6,
    hops: [
      { ...hop, gateway: '2001:db8::1', weight: 9 },
      { ...hop, gateway: '2001:db8::2' },
    ],
  },
]);

const asMessage = (...body: Buffer[]) => message(MESSAGE.newRoute, 0, 1, ...body);
const read = (whole: Buffer) => readRoute(whole, 0, whole.length);

for (const route of ROUTES) {
  test(`route message: the route reads as it was written: ${JSON.stringify(route)}`, () => {
    const seen = read(asMessage(...routeBody(route)));
    const { body, expires, preference, ...rest } = seen!;
    assert.deepEqual(rest, { ...route, hops: route.hops.map((hop) => ({ ...hop, usable: true })) });
    assert.deepEqual([expires, preference], [null, null]);
    assert.deepEqual(body, Buffer.concat(routeBody(route)), 'and is made anew by the same bytes');
  });
}

test('route message: attributes that the kernel adds are left out when the route is made again', () => {
  const [rtmsg, ...rest] = routeBody({ ...PLAIN, hops: [hop, { ...hop, index: 4 }] });
  rtmsg!.writeUInt32LE(1 | 16, RTMSG.flags);
  const multipath = rest.pop()!;
  multipath[4 + 2] = 1 | 4 | 16;
  const told = read(asMessage(rtmsg!, ...rest, multipath, attribute(12, Buffer.alloc(32))))!;
  const again = read(asMessage(told.body))!;
  const hops = [
    { ...hop, onlink: true },
    { ...hop, index: 4 },
  ];
  assert.deepEqual(told.hops, [
    { ...hops[0], usable: false },
    { ...hops[1], usable: true },
  ]);
  assert.deepEqual(
    again.hops,
    hops.map((hop) => ({ ...hop, usable: true })),
  );
  assert.equal(told.body.readUInt32LE(RTMSG.flags), 0);
  assert.equal(told.body.length, Buffer.concat([rtmsg!, ...rest, multipath]).length);
});

test('route message: the lifetime of a route comes in hundredths of a second', () => {
  const cache = Buffer.alloc(32);
  cache.writeInt32LE(180_000, 8);
  assert.equal(read(asMessage(...routeBody(IPV6), attribute(12, cache)))!.expires, 1800);
});

test('route message: a deletion names the protocol, any scope, and no next hop', () => {
  const seen = read(asMessage(...deletionBody({ ...PLAIN })))!;
  assert.deepEqual(
    [seen.destination, seen.table, seen.metric, seen.protocol, seen.type, seen.hops],
    ['10.9.0.0/16', 254, 5, 72, 0, []],
  );
  assert.equal(seen.body[6], 255);
});

test('route message: another family, or a length that no address has, is no route', () => {
  const [rtmsg, ...rest] = routeBody(PLAIN);
  rtmsg![RTMSG.family] = 128;
  assert.equal(read(asMessage(rtmsg!, ...rest)), null);
  rtmsg![RTMSG.family] = 2;
  rtmsg![RTMSG.destinationLength] = 33;
  assert.equal(read(asMessage(rtmsg!, ...rest)), null);
  assert.equal(read(asMessage(Buffer.alloc(11))), null);
  rtmsg![RTMSG.destinationLength] = 16;
  assert.equal(read(asMessage(rtmsg!, attribute(15, uint32(254)))), null, 'a network without its address');
});

test('nexthop group: weights have 16 bits if the kernel says so, otherwise 8', () => {
  const entry = (id: number, ...weight: number[]) => Buffer.concat([uint32(id), Buffer.from([...weight, 0, 0])]);
  const members = Buffer.concat([entry(1, 43, 1), entry(2, 99, 0), entry(3, 255, 255)]);
  const weights = (...more: Buffer[]) => {
    const all = message(
      MESSAGE.newNexthop,
      0,
      1,
      Buffer.alloc(8),
      attribute(1, uint32(9)),
      attribute(2, members),
      ...more,
    );
    return groupMembers(all, 0, all.length).map(({ id, weight }) => [id, weight]);
  };
  const narrow = [
    [1, 44],
    [2, 100],
    [3, 256],
  ];
  // Older kernels leave anything in the reserved byte, which is no weight.
  assert.deepEqual(weights(), narrow);
  assert.deepEqual(weights(attribute(14, uint32(1))), narrow);
  assert.deepEqual(weights(attribute(14, uint32(0x8000_0000))), [
    [1, 300],
    [2, 100],
    [3, 65_536],
  ]);
});

test('route message: damaged bytes never throw', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...ROUTES),
      fc.array(fc.tuple(fc.nat(), fc.nat(255))),
      fc.nat(),
      (route, flips, cut) => {
        const whole = asMessage(...routeBody(route));
        for (const [at, value] of flips) whole[at % whole.length] = value;
        const end = cut % (whole.length + 1);
        readRoute(whole.subarray(0, end), 0, end);
        readRoute(whole, 0, whole.length);
      },
    ),
    { numRuns: 2000 },
  );
});
