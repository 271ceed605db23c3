/** The advertisement of a rehearsal's router on the wire: each part at its place, and a checksum that hosts accept. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IpAddress } from '../../../../agent/address/accepted.ts';
import { advertisementBytes, advertisementFrame } from '../../../../agent/rehearse/server/advertisement.ts';
import { vxlanPacket } from '../../../../agent/rehearse/server/vxlan.ts';
import { accepted } from '../../../parts/accepted.ts';
import { ADVERTISEMENT } from '../../../parts/advertisement.ts';

const BARE = { ...ADVERTISEMENT, mtu: null, prefixes: [], routes: [], servers: [], domains: [] };

/** The options behind the head, in hexadecimal. */
function optionsOf(message: Buffer): string[] {
  const options: string[] = [];
  for (let at = 16; at < message.length; at += message[at + 1]! * 8)
    options.push(message.toString('hex', at, at + message[at + 1]! * 8));
  return options;
}

test('advertisement: the head has flags, preference, hop limit and lifetime', () => {
  const head = (change: object) => advertisementBytes({ ...BARE, ...change }).toString('hex');
  assert.match(head({}), /^8600....408807080{16}$/);
  assert.match(
    head({ managed: false, other: true, preference: 'medium', hopLimit: 0, lifetime: 0 }),
    /^8600....00400000/,
  );
  assert.match(head({ managed: false, preference: 'low', lifetime: 70_000 }), /^8600....4018ffff/);
});

test('advertisement: each option is as its RFC has it', () => {
  assert.deepEqual(optionsOf(advertisementBytes(ADVERTISEMENT)), [
    '030440c000000e10ffffffff0000000020010db8000100000000000000000000',
    '0501000000000578',
    '180230180000025820010db800070000',
    '190300000000012c20010db8000000000000000000000053',
    '1f0300000000012c0161076578616d706c65000000000000',
  ]);
  const [all, host] = optionsOf(
    advertisementBytes({
      ...BARE,
      routes: [
        { prefix: accepted('::/0'), preference: 'medium', lifetime: 1 },
        { prefix: accepted('2001:db8::1/128'), preference: 'high', lifetime: -1 },
      ],
    }),
  );
  assert.equal(all, '1801000000000001');
  assert.equal(host, '180380080000000020010db8000000000000000000000001');
});

test('advertisement: an option that is too long, or has no name that DNS can write, is left out', () => {
  const long = { addresses: Array.from({ length: 128 }, () => accepted<IpAddress>('2001:db8::53')), lifetime: 1 };
  assert.deepEqual(optionsOf(advertisementBytes({ ...BARE, servers: [long] })), []);
  assert.deepEqual(optionsOf(advertisementBytes({ ...BARE, domains: [{ names: ['a..b'], lifetime: 1 }] })), []);
});

test('advertisement: the frame goes to all hosts of the wire, and its checksum is right', () => {
  const frame = advertisementFrame(ADVERTISEMENT);
  assert.match(frame.toString('hex'), /^33330000000102000000000186dd60000000/);
  assert.deepEqual([frame.readUInt16BE(18), frame[20], frame[21]], [frame.length - 54, 58, 255]);
  assert.equal(frame.toString('hex', 22, 54), `fe80${'0'.repeat(27)}1ff02${'0'.repeat(27)}1`);
  // The sum of the pseudo-header and the message with its checksum has all bits (RFC 1071).
  let sum = 58 + (frame.length - 54);
  for (let at = 22; at < frame.length; at += 2) sum += frame.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  assert.equal(sum, 0xffff);
});

test('advertisement: a datagram to the VXLAN device has the network’s number before the frame', () => {
  assert.equal(vxlanPacket(Buffer.from('ab')).toString('latin1'), '\x08\0\0\0\0\0\x01\0ab');
});
