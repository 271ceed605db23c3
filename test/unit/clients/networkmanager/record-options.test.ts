/** NetworkManager's record of a lease as DHCP options that another server can offer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { offerOfRecord } from '../../../../agent/clients/networkmanager/record-options.ts';
import { iniLinesOf } from '../../../../agent/host/files/ini.ts';

const offer = (text: string) => offerOfRecord(iniLinesOf('/run/NetworkManager/devices/2', text));

const RECORD = `[device]
connection-uuid=11111111-1111-1111-1111-111111111111

[dhcp4]
dhcp4.dhcp_client_identifier=01:7e:fe:fb:dc:0c:d3
dhcp4.dhcp_lease_time=600
dhcp4.dhcp_server_identifier=10.77.0.9
dhcp4.domain_name=old.example.com
dhcp4.domain_name_servers=10.77.0.11 10.77.0.12
dhcp4.domain_search=a.example b.example
dhcp4.expiry=1796098921
dhcp4.interface_mtu=1400
dhcp4.ip_address=10.77.0.100
dhcp4.next_server=10.77.0.3
dhcp4.rfc3442_classless_static_routes=10.99.0.0/16 10.77.0.9 0.0.0.0/0 10.77.0.1
dhcp4.routers=10.77.0.1
dhcp4.subnet_mask=255.255.255.0
dhcp4.time_offset=-3600
`;

test('NetworkManager’s record: each value is an option as the server sent it', () => {
  const { address, server, routers, options, fields } = offer(RECORD)!;
  assert.deepEqual([address, server, routers], ['10.77.0.100', '10.77.0.9', ['10.77.0.1']]);
  assert.deepEqual([...fields.siaddr], [10, 77, 0, 3]);
  assert.deepEqual(
    [...options].map(([code, data]) => [code, [...data]]),
    [
      [1, [255, 255, 255, 0]],
      [2, [255, 255, 241, 240]],
      [3, [10, 77, 0, 1]],
      [6, [10, 77, 0, 11, 10, 77, 0, 12]],
      [15, [...Buffer.from('old.example.com')]],
      [26, [5, 120]],
      [119, [...Buffer.from('\u0001a\u0007example\u0000\u0001b\u0007example\u0000')]],
      [121, [16, 10, 99, 10, 77, 0, 9, 0, 10, 77, 0, 1]],
    ],
  );
});

test('NetworkManager’s record: what is no value of its kind is left out, and without an IPv4 lease there is no offer', () => {
  const odd =
    '[dhcp4]\ndhcp4.ip_address=10.0.0.5\ndhcp4.routers=x 10.0.0.1 ::1\ndhcp4.interface_mtu=9e9\ndhcp4.time_offset=x\ndhcp4.rfc3442_classless_static_routes=10.0.0.1/8 1.1.1.1 y\n';
  const { options, routers, server } = offer(odd)!;
  assert.deepEqual([[...options.keys()], routers, server], [[3], ['10.0.0.1'], null]);
  const none = [
    '',
    '[device]\nmanaged=true\n',
    '[dhcp6]\ndhcp6.ip6_address=fd00::5\n',
    '[dhcp4]\ndhcp4.ip_address=x\n',
  ];
  for (const text of none) assert.equal(offer(text), null);
});
