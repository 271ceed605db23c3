/** Lists of domain names in DHCP options, as servers write them and as an attacker may. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { optionDomains } from '../../../agent/clients/dhcp-domains.ts';

const bytes = (...parts: (string | number)[]) =>
  Buffer.concat(
    parts.map((part) =>
      typeof part === 'number'
        ? Buffer.from([part])
        : Buffer.from(`${String.fromCharCode(part.length)}${part}`, 'latin1'),
    ),
  );

test('domains of a DHCP option: names with and without pointers, in their order', () => {
  assert.deepEqual(optionDomains(bytes('dev', 'example', 'com', 0, 'corp', 0)), ['dev.example.com', 'corp']);
  assert.deepEqual(optionDomains(bytes('dev', 'example', 0, 'ops', 0xc0, 4)), ['dev.example', 'ops.example']);
  assert.deepEqual(optionDomains(undefined), []);
  assert.deepEqual(optionDomains(Buffer.alloc(0)), []);
});

test('domains of a DHCP option: circles, pointers ahead and names without an end are no list', () => {
  for (const hostile of [
    bytes(0xc0, 0),
    bytes('a', 0xc0, 0),
    bytes('a', 0xc0, 9, 'b', 0),
    bytes('a', 0xc0),
    bytes('a'),
    bytes(63, 'a'),
    bytes(0x80, 1, 0),
    bytes('a', 0, 'b', 0xc0, 5),
  ]) {
    assert.deepEqual(optionDomains(hostile), [], hostile.toString('hex'));
  }
});
