/** What is believed of a netlink answer: a part of a table, or a damaged one, is never counted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DumpReader } from '../../../../../agent/host/netlink/dump.ts';
import {
  attribute,
  attributes,
  FLAG,
  MESSAGE,
  message,
  uint32,
} from '../../../../../agent/host/netlink/message-layout.ts';
import { Counter } from '../../../../../agent/host/netlink/routes/counts.ts';
import { DefaultRoutes } from '../../../../../agent/host/netlink/routes/default-routes.ts';
import { RTMSG } from '../../../../../agent/host/netlink/routes/rtmsg.ts';
import { eachMessage } from '../../../../../agent/host/netlink/socket.ts';

function route(
  { table = 254, protocol = 4, family = 2, flags = 0, routeFlags = 0, length = 24 },
  ...more: Buffer[]
): Buffer {
  const rtmsg = Buffer.alloc(RTMSG.size);
  rtmsg[RTMSG.family] = family;
  rtmsg[RTMSG.destinationLength] = length;
  rtmsg[RTMSG.table] = table > 255 ? 252 : table;
  rtmsg[RTMSG.protocol] = protocol;
  rtmsg[RTMSG.type] = 1;
  rtmsg.writeUInt32LE(routeFlags, RTMSG.flags);
  return message(MESSAGE.newRoute, flags, 1, rtmsg, attribute(15, uint32(table)), ...more);
}

const done = (errno = 0, flags = 0) => message(MESSAGE.done, flags, 1, uint32(-errno >>> 0));

function read(...messages: Buffer[]) {
  const counter = new Counter(2);
  const reader = new DumpReader(MESSAGE.newRoute, counter);
  const over = eachMessage(Buffer.concat(messages), (data, at, end) => reader.take(data, at, end));
  return { over, interrupted: reader.interrupted, counts: counter.result() };
}

test('netlink routes: routes are counted by table and protocol, also in tables with 32-bit numbers', () => {
  const other = route({ family: 10 });
  const { over, interrupted, counts } = read(
    ...[route({}), route({}), route({ protocol: 186 }), route({ table: 70_000 }), other, route({}), done()],
  );
  assert.deepEqual(counts, [
    { table: 254, protocol: 4, routes: 3, offloadFailed: 0 },
    { table: 254, protocol: 186, routes: 1, offloadFailed: 0 },
    { table: 70_000, protocol: 4, routes: 1, offloadFailed: 0 },
  ]);
  assert.deepEqual([over, interrupted], [true, false]);
});

test('netlink routes: routes that the hardware refused count among all, and separately', () => {
  const failed = { routeFlags: 0x2000_0000, table: 70_000 };
  const offloaded = { routeFlags: 0x4000, table: 70_000 };
  const { counts } = read(...[route(failed), route(offloaded), route(failed), route({}), route(failed), done()]);
  assert.deepEqual(counts, [
    { table: 254, protocol: 4, routes: 1, offloadFailed: 0 },
    { table: 70_000, protocol: 4, routes: 4, offloadFailed: 3 },
  ]);
});

test('netlink routes: an interrupted dump is recognised wherever the kernel marks it', () => {
  assert.equal(read(route({ flags: FLAG.dumpInterrupted }), done()).interrupted, true);
  assert.equal(read(route({}), done(0, FLAG.dumpInterrupted)).interrupted, true);
});

test('netlink routes: a dump that the kernel gave up, lost or damaged is an error', () => {
  assert.throws(() => read(route({}), done(12)), { code: 'ENOMEM' });
  assert.throws(() => read(message(MESSAGE.error, 0, 1, uint32(-1 >>> 0))), { code: 'EPERM' });
  assert.throws(() => read(route({}), message(MESSAGE.overrun, 0, 1)), { code: 'ENOBUFS' });
  assert.throws(() => read(route({}).subarray(0, 30)), { code: 'EBADMSG' });
  assert.throws(() => read(route({}), Buffer.alloc(20)), { code: 'EBADMSG' });
  assert.throws(() => read(route({}), Buffer.alloc(4)), { code: 'EBADMSG' });
});

test('netlink routes: a datagram without an end is not the end', () => {
  assert.equal(read(route({}), route({})).over, false);
});

test('netlink routes: attributes longer than their message are not read', () => {
  const whole = Buffer.concat([attribute(1, uint32(7)), attribute(2, Buffer.from('abc'))]);
  const types = (data: Buffer) => [...attributes(data, 0, data.length)].map(({ type }) => type);
  assert.deepEqual(types(whole), [1, 2]);
  whole.writeUInt16LE(99, 8);
  assert.deepEqual(types(whole), [1]);
  whole.writeUInt16LE(0, 0);
  assert.deepEqual(types(whole), []);
});

test('netlink routes: default routes come with next hops and weights, and the dump of IPv4 ends past 0.0.0.0', () => {
  const hop = (index: number, weight: number, gateway: string, flags = 0) => {
    const via = attribute(5, Buffer.from(gateway.split('.').map(Number)));
    const header = Buffer.from([8 + via.length, 0, flags, weight - 1, index, 0, 0, 0]);
    return Buffer.concat([header, via]);
  };
  const multipath = attribute(9, Buffer.concat([hop(2, 1, '192.0.2.1'), hop(3, 5, '198.51.100.1', 16)]));
  const messages = [
    route({ length: 0, table: 100 }),
    route({ length: 0 }, multipath, attribute(6, uint32(20))),
    route({ length: 8 }, attribute(1, Buffer.from([10, 0, 0, 0]))),
    route({ length: 0 }),
  ];
  const gatherer = new DefaultRoutes('ipv4');
  assert.equal(
    eachMessage(Buffer.concat(messages), (data, at, end) => gatherer.take(data, at, end)),
    true,
  );
  const [found, second] = gatherer.result();
  assert.deepEqual([found?.metric, found?.table, found?.nexthopId, second], [20, 254, null, undefined]);
  assert.deepEqual(found?.hops, [
    { gateway: '192.0.2.1', index: 2, weight: 1, onlink: false, usable: true },
    { gateway: '198.51.100.1', index: 3, weight: 5, onlink: false, usable: false },
  ]);
});
