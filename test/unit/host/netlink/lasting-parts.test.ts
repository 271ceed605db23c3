/** Lasting parts of the kernel's messages: what changes by itself is left out, and nothing else is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lastingParts } from '../../../../agent/host/netlink/lasting-parts.ts';
import { attribute, MESSAGE, message, uint32 } from '../../../../agent/host/netlink/message-layout.ts';

const NFTABLES = 10 << 8;
const PORT = 12;

const lasting = (data: Buffer) => lastingParts(data, 0, data.length).toString('hex');
const numbers = (...all: number[]) => Buffer.concat(all.map(uint32));

function route(cacheInfo: Buffer, gateway = '0a000001'): Buffer {
  const rtmsg = Buffer.from('02180000fe03000100000000', 'hex');
  return message(MESSAGE.newRoute, 0, 1, rtmsg, attribute(5, Buffer.from(gateway, 'hex')), attribute(12, cacheInfo));
}

function neighbour(state: number, cacheInfo: Buffer): Buffer {
  const ndmsg = Buffer.alloc(12);
  ndmsg.writeUInt16LE(state, 8);
  return message(MESSAGE.newNeighbour, 0, 1, ndmsg, attribute(1, numbers(1)), attribute(3, cacheInfo));
}

function link(flags: number, ...attributes: Buffer[]): Buffer {
  const ifinfomsg = Buffer.alloc(16);
  ifinfomsg.writeUInt32LE(flags, 8);
  return message(MESSAGE.newLink, 0, 1, ifinfomsg, ...attributes);
}

test('lasting parts: the number of the answered socket is left out', () => {
  const [one, other] = [route(numbers(0, 0, 0)), route(numbers(0, 0, 0))];
  other.writeUInt32LE(4711, PORT);
  assert.equal(lasting(one), lasting(other));
});

test('lasting parts: a message itself is left as it is', () => {
  const data = route(numbers(1, 2, 3));
  const before = data.toString('hex');
  lasting(data);
  assert.equal(data.toString('hex'), before);
});

test('lasting parts: of the lifetime of a route it counts whether there is one', () => {
  assert.equal(lasting(route(numbers(0, 7, 5000))), lasting(route(numbers(1, 8, 4000))));
  assert.equal(lasting(route(numbers(0, 7, 0))), lasting(route(numbers(1, 8, 0))));
  assert.notEqual(lasting(route(numbers(0, 7, 0))), lasting(route(numbers(0, 7, 5000))));
});

test('lasting parts: another gateway of a route counts', () => {
  assert.notEqual(lasting(route(numbers(0, 0, 0))), lasting(route(numbers(0, 0, 0), '0a000002')));
});

test('lasting parts: the age of a neighbour counts unless it is known to answer', () => {
  for (const [state, counts] of [
    [0x02, false], // reachable
    [0x40, false], // noarp
    [0x80, false], // permanent
    [0x01, true], // incomplete
    [0x04, true], // stale
    [0x08, true], // delay
    [0x10, true], // probe
    [0x20, true], // failed
  ] as const) {
    const [young, old] = [lasting(neighbour(state, numbers(1, 2, 3))), lasting(neighbour(state, numbers(7, 8, 9)))];
    assert.equal(young !== old, counts, `state ${state}`);
  }
});

test('lasting parts: the state of a neighbour counts', () => {
  const info = numbers(1, 2, 3);
  assert.notEqual(lasting(neighbour(0x02, info)), lasting(neighbour(0x80, info)));
});

test('lasting parts: the counters of a link are left out, and its flags and names are not', () => {
  const name = attribute(3, Buffer.from('eth0\0'));
  const counters = (n: number) => [7, 23, 26].map((type) => attribute(type, numbers(n, n)));
  assert.equal(lasting(link(1, name, ...counters(1))), lasting(link(1, name, ...counters(2))));
  assert.notEqual(lasting(link(1, name)), lasting(link(0, name)));
  assert.notEqual(lasting(link(1, name)), lasting(link(1, attribute(3, Buffer.from('eth1\0')))));
});

test('lasting parts: of a table of nftables everything counts but the number of all changes', () => {
  const table = (generation: number, name: string) => {
    const nfgenmsg = Buffer.alloc(4);
    nfgenmsg.writeUInt16LE(generation, 2);
    return message(NFTABLES, 0, 1, nfgenmsg, attribute(1, Buffer.from(`${name}\0`)));
  };
  assert.equal(lasting(table(1, 'one')), lasting(table(2, 'one')));
  assert.notEqual(lasting(table(1, 'one')), lasting(table(1, 'two')));
});

test('lasting parts: a message that is cut short is no error', () => {
  for (const whole of [route(numbers(1, 2, 3)), neighbour(2, numbers(1)), link(1), message(NFTABLES, 0, 1)]) {
    for (let length = 16; length <= whole.length; length += 1) lastingParts(whole, 0, length);
  }
});
