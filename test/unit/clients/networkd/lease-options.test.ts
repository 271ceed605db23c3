/** The lease file of systemd-networkd as DHCP options that another server can offer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { offerOfLeaseFile } from '../../../../agent/clients/networkd/lease-options.ts';

const FILE = `# This is private data. Do not parse.
ADDRESS=10.77.0.100
NETMASK=255.255.255.0
ROUTER=10.77.0.1 10.77.0.2
SERVER_ADDRESS=10.77.0.9
MTU=1400
LIFETIME=596
DNS=10.77.0.11 10.77.0.12
NTP=10.77.0.98
DOMAINNAME=old.example.com
DOMAIN_SEARCH_LIST=a.example b.example
CLASSLESS_ROUTES=10.98.128.0/17,10.77.0.8 10.99.0.0/16,10.77.0.9 0.0.0.0/0,10.77.0.1
`;

test('networkd’s lease: each value is an option as the server sent it', () => {
  const { address, server, routers, options } = offerOfLeaseFile(FILE)!;
  assert.deepEqual([address, server, routers], ['10.77.0.100', '10.77.0.9', ['10.77.0.1', '10.77.0.2']]);
  const search = '\u0001a\u0007example\u0000\u0001b\u0007example\u0000';
  assert.deepEqual(
    [...options].map(([code, data]) => [code, [...data]]),
    [
      [1, [255, 255, 255, 0]],
      [3, [10, 77, 0, 1, 10, 77, 0, 2]],
      [6, [10, 77, 0, 11, 10, 77, 0, 12]],
      [15, [...Buffer.from('old.example.com')]],
      [26, [5, 120]],
      [42, [10, 77, 0, 98]],
      [119, [...Buffer.from(search)]],
      [121, [17, 10, 98, 128, 10, 77, 0, 8, 16, 10, 99, 10, 77, 0, 9, 0, 10, 77, 0, 1]],
    ],
  );
});

test('networkd’s lease: what is no value of its kind is left out, and without an address there is no offer', () => {
  const odd =
    'ADDRESS=10.0.0.5\nROUTER=x 10.0.0.1 ::1\nMTU=9e9\nDOMAIN_SEARCH_LIST=a..b\nCLASSLESS_ROUTES=10.0.0.1/8,1.1.1.1 x\n';
  const { options, routers } = offerOfLeaseFile(odd)!;
  assert.deepEqual([[...options.keys()], routers], [[3], ['10.0.0.1']]);
  for (const text of ['', 'ADDRESS=\n', 'ADDRESS=::1\n', 'DNS=10.0.0.1\n']) assert.equal(offerOfLeaseFile(text), null);
});
