/** A DHCPv6 offer from a client's words: every option in bytes, and nothing of words that cannot be read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toldOffer6 } from '../../../agent/clients/told-offer6.ts';
import { accepted } from '../../parts/accepted.ts';

test('told DHCPv6 offer: servers, search domains and time servers in both of their options', () => {
  const { address, server, options } = toldOffer6({
    address: accepted('2001:db8::9'),
    nameservers: ['2001:db8::1', '2001:db8::2'],
    search: ['a.example'],
    timeServers: ['2001:db8::3'],
  });
  assert.equal(address, '2001:db8::9');
  assert.equal(server.length, 10);
  const bytes = (last: string) => `20010db80000000000000000000000${last}`;
  assert.deepEqual(
    [...options].map(([code, data]) => [code, data.toString('hex')]),
    [
      [23, `${bytes('01')}${bytes('02')}`],
      [24, '0161076578616d706c6500'],
      [31, bytes('03')],
      [56, `00010010${bytes('03')}`],
    ],
  );
});

test('told DHCPv6 offer: hostile words are left out, and an option without words also', () => {
  const words = ['10.0.0.1', 'fe80::1%eth0', '', '2001:db8::1::', 'x'];
  const { options } = toldOffer6({ address: null, nameservers: words, search: ['..', 'a..b'], timeServers: words });
  assert.deepEqual([...options], []);
});
