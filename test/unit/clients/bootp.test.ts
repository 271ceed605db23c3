/** DHCPv4 messages: what is read is written again, and no bytes break the reader. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readBootp, writeBootp } from '../../../agent/clients/bootp.ts';
import { offerIn } from '../../../agent/clients/recorded-offer.ts';

const fixed = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => Buffer.from(bytes));
const message = fc.record({
  op: fc.constantFrom(1, 2),
  hardware: fc.constant([1, 6] as const),
  xid: fc.nat(),
  flags: fc.constantFrom(0, 0x8000),
  ciaddr: fixed(4),
  yiaddr: fixed(4),
  siaddr: fixed(4),
  chaddr: fixed(16),
  sname: fixed(64),
  file: fixed(128),
  options: fc
    .array(fc.tuple(fc.integer({ min: 1, max: 254 }), fc.uint8Array({ maxLength: 700 })), { maxLength: 5 })
    .map((all) => new Map(all.map(([code, bytes]) => [code, Buffer.from(bytes)] as const))),
});

test('bootp: a written message is read as it was, with options longer than one part', () => {
  fc.assert(fc.property(message, (one) => assert.deepEqual(readBootp(writeBootp(one)), { ...one })));
});

test('bootp: no bytes break the reader, and a cut message is none', () => {
  fc.assert(
    fc.property(message, fc.nat(), fc.uint8Array({ maxLength: 400 }), (one, cut, noise) => {
      const packet = writeBootp(one);
      readBootp(Buffer.concat([packet.subarray(0, cut % packet.length), noise]));
      readBootp(Buffer.from(noise));
      assert.equal(readBootp(packet.subarray(0, cut % 240)), null);
    }),
  );
});

test('bootp: an option that is longer than the message makes it none', () => {
  const packet = writeBootp({ ...fc.sample(message, 1)[0]!, options: new Map([[6, Buffer.from([10, 0, 0, 1])]]) });
  assert.notEqual(readBootp(packet), null);
  packet[241] = 255;
  assert.equal(readBootp(packet), null);
});

test('bootp: a recorded offer has its address, server and routers, and a client’s message is none', () => {
  const one = {
    ...fc.sample(message, 1)[0]!,
    op: 2,
    yiaddr: Buffer.from([10, 0, 0, 5]),
    options: new Map([
      [54, Buffer.from([10, 0, 0, 1])],
      [3, Buffer.from([10, 0, 0, 2, 10, 0, 0, 3])],
    ]),
  };
  const { address, server, routers } = offerIn(writeBootp(one))!;
  assert.deepEqual([address, server, routers], ['10.0.0.5', '10.0.0.1', ['10.0.0.2', '10.0.0.3']]);
  assert.equal(offerIn(writeBootp({ ...one, op: 1 })), null);
  assert.equal(offerIn(writeBootp({ ...one, yiaddr: Buffer.alloc(4) })), null);
});
