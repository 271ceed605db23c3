/** Prefixes in the words of a routing daemon: the same keys as those of the kernel's routes, and none for rubbish. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prefixKey, prefixOfKey } from '../../../../agent/host/netlink/routes/prefixes.ts';

test('prefixes: a key is the prefix', () => {
  for (const prefix of ['0.0.0.0/0', '10.1.0.0/16', '255.255.255.255/32'])
    assert.equal(prefixOfKey(prefixKey('ipv4', prefix)!), prefix);
  for (const prefix of ['::/0', '2001:db8:1::/48', 'fe80::1/128'])
    assert.equal(prefixOfKey(prefixKey('ipv6', prefix)!), prefix);
  assert.equal(prefixKey('ipv6', '2001:DB8:0:0::/64'), prefixKey('ipv6', '2001:db8::/64'));
  assert.notEqual(prefixKey('ipv4', '10.0.0.0/8'), prefixKey('ipv4', '10.0.0.0/9'));
});

test('prefixes: a text that is no prefix of the family has no key', () => {
  const none = [
    '',
    '/',
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0.0.0/x',
    '10.0.0.0/-1',
    '10.0/8',
    '1.2.3.4.5/8',
    '::/0',
    'a.b.c.d/8',
  ];
  for (const text of none) assert.equal(prefixKey('ipv4', text), null, text);
  for (const text of [
    '10.0.0.0/8',
    '::/129',
    ':::/0',
    '2001:db8::g/64',
    '1:2:3:4:5:6:7:8:9/64',
    `${':'.repeat(4000)}/0`,
  ])
    assert.equal(prefixKey('ipv6', text), null, text);
});
