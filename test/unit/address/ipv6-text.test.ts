/** IPv6 addresses as text and as bytes, against the library that checks them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { ipv6Bytes, ipv6Text } from '../../../agent/address/ipv6-text.ts';

/** Many groups are zero, so that runs of zeros are everywhere. */
const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
const bytes = fc
  .array(group, { minLength: 8, maxLength: 8 })
  .map((groups) => groups.flatMap((one) => [one >> 8, one & 0xff]));

test('ipv6-text: an address is written as the library writes it, and read back to the same bytes', () => {
  fc.assert(
    fc.property(bytes, (address) => {
      const text = ipv6Text(Uint8Array.from(address));
      assert.equal(text, ipaddr.fromByteArray(address).toString());
      assert.deepEqual(ipv6Bytes(text), address);
      assert.deepEqual(ipv6Bytes(ipaddr.fromByteArray(address).toNormalizedString().toUpperCase()), address);
    }),
    { numRuns: 2000 },
  );
});

test('ipv6-text: what is read is an address for the library also, and has the same bytes', () => {
  const text = fc.string({ unit: fc.constantFrom('0', '1', 'f', 'g', ':', '::', '.', '%'), maxLength: 24 });
  fc.assert(
    fc.property(text, (one) => {
      const found = ipv6Bytes(one);
      if (found !== null) assert.deepEqual(found, ipaddr.IPv6.parse(one).toByteArray());
    }),
    { numRuns: 5000 },
  );
});

test('ipv6-text: texts that are no address have no bytes', () => {
  for (const text of [
    '',
    ':',
    ':::',
    '::1::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4::5:6:7:8',
    '12345::',
    'g::',
    ':1::',
    '::ffff:10.0.0.1',
    'fe80::1%eth0',
  ])
    assert.equal(ipv6Bytes(text), null, text);
});
