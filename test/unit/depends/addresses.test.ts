/** Addresses in texts of other programs are compared by value. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressesIn, canonicalAddress, isLoopbackAddress } from '../../../agent/depends/found-addresses.ts';

test('an address has one canonical form, whatever its spelling', () => {
  for (const [text, canonical] of [
    ['10.0.0.1', '10.0.0.1'],
    ['2001:DB8:0:0::53', '2001:db8::53'],
    ['[2001:db8::53]', '2001:db8::53'],
    ['2001:0db8:0000:0000:0000:0000:0000:0053', '2001:db8::53'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::ffff:a00:1', '10.0.0.1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['010.0.0.1', null],
    ['10.0.1', null],
    ['0.0.0.0', null],
    ['::', null],
    ['example.org', null],
    ['', null],
  ] as const)
    assert.equal(canonicalAddress(text), canonical, text);
});

test('addresses are found with ports, zones, prefixes and brackets, and not inside other words', () => {
  const of = (text: string) => addressesIn(text).map(({ address }) => address);
  assert.deepEqual(of('server=/example.org/10.0.0.1#53'), ['10.0.0.1']);
  assert.deepEqual(of('10.0.0.1:53 [2001:db8::1]:5353 tls://9.9.9.9'), ['10.0.0.1', '2001:db8::1', '9.9.9.9']);
  assert.deepEqual(of('2001:db8::1@853#dns.example'), ['2001:db8::1']);
  assert.deepEqual(of('nameserver fe80::1%eth0'), ['fe80::1']);
  assert.deepEqual(of('address 10.0.0.5/24'), ['10.0.0.5']);
  assert.deepEqual(of('::ffff:10.0.0.1,::FFFF:0a00:0002'), ['10.0.0.1', '10.0.0.2']);
  // An IPv4 address at the end of an IPv6 address is no address of its own.
  assert.deepEqual(of('64:ff9b::10.0.0.1'), ['64:ff9b::a00:1']);
  assert.deepEqual(of('It asks 10.0.0.1.'), ['10.0.0.1']);
  assert.deepEqual(of('1.0.0.10.in-addr.arpa 1.2.3.4.5 v10.0.0.1 10.0.0.256 12:30:45 aa:bb:cc:dd:ee:ff'), []);
  assert.deepEqual(of('110.0.0.1'), ['110.0.0.1']);
});

test('a long hostile text holds no address, and its search takes no quadratic time', () => {
  for (const text of ['1.'.repeat(500_000), ':'.repeat(1_000_000), '1:'.repeat(500_000), 'a:'.repeat(500_000)])
    assert.deepEqual(addressesIn(text), []);
});

test('loopback addresses are the host itself', () => {
  for (const address of ['127.0.0.53', '127.0.0.1', '::1']) assert.ok(isLoopbackAddress(address));
  for (const address of ['10.0.0.1', 'fe80::1']) assert.ok(!isLoopbackAddress(address));
});
