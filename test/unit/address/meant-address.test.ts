/** What an operator probably meant by a text that is no address. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meantAddress } from '../../../agent/address/meant-address.ts';

test('meant address: a URL, a port, a prefix, brackets, a zone, blanks and leading zeros are left out', () => {
  for (const text of [
    '10.0.0.53/24',
    '10.0.0.053',
    '010.0.00.53',
    '10.0.0.53:53',
    '10.0.0.53#53',
    ' 10.0.0.53 ',
    'http://10.0.0.53',
    'https://10.0.0.53:853/dns-query',
    '[10.0.0.53]',
    '10.0.0.53%eth0',
  ])
    assert.equal(meantAddress(text), '10.0.0.53', text);
  for (const text of ['[2001:DB8::53]:53', 'https://[2001:db8::53]/', '2001:db8::53%eth0', '2001:db8::53/64'])
    assert.equal(meantAddress(text), '2001:db8::53', text);
});

test('meant address: a name, a range, several addresses and nothing mean no address', () => {
  for (const text of [
    '',
    '-',
    'ns1',
    '10.0.0.1-10.0.0.9',
    '10.0.0.1,10.0.0.2',
    '10.0.0.1 10.0.0.2',
    '10.0.53',
    '0.0.0.0',
    '::',
  ])
    assert.equal(meantAddress(text), null, text);
});
