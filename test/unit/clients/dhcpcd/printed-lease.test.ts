/** The advertisements in what a running dhcpcd prints (`dhcpcd -U`). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printedAdvertisements, printedParts } from '../../../../agent/clients/dhcpcd/printed-lease.ts';

/** As dhcpcd 9.4.1 printed it. */
const PRINTED = `reason=BOUND
interface=eth0
protocol=dhcp
ip_address=10.77.0.100

reason=ROUTERADVERT
interface=eth0
protocol=ra
nd1_from=fe80::9c87:89ff:fed5:59fd
nd1_acquired=844
nd1_now=847
nd1_hoplimit=64
nd1_flags=MOh
nd1_lifetime=600
nd1_prefix_information1_length=64
nd1_prefix_information1_flags=LA
nd1_prefix_information1_vltime=600
nd1_prefix_information1_pltime=300
nd1_prefix_information1_prefix=2001:db8::
nd1_mtu=1480
nd1_source_address=9e8789d559fd
nd1_dnssl1_lifetime=600
nd1_dnssl1_search=a.example b.example
nd1_rdnss1_lifetime=500
nd1_rdnss1_servers=2001:db8::11 2001:db8::12
nd1_addr1=2001:db8::eba5:f573:8828:2a66/64
nd2_from=fe80::2
nd2_flags=
nd2_lifetime=0
`;

test('dhcpcd’s advertisements: each router has its own, with all that dhcpcd prints', () => {
  const [first, second, ...others] = printedAdvertisements(PRINTED, 'eth0');
  assert.deepEqual(first, {
    router: 'fe80::9c87:89ff:fed5:59fd',
    managed: true,
    other: true,
    lifetime: 600,
    preference: 'high',
    hopLimit: 64,
    mtu: 1480,
    prefixes: [{ prefix: '2001:db8::/64', onLink: true, autonomous: true, valid: 600, preferred: 300 }],
    routes: [],
    servers: [{ addresses: ['2001:db8::11', '2001:db8::12'], lifetime: 500 }],
    domains: [{ names: ['a.example', 'b.example'], lifetime: 600 }],
  });
  assert.deepEqual(
    [second?.router, second?.managed, second?.preference, second?.mtu],
    ['fe80::2', false, 'medium', null],
  );
  assert.deepEqual(others, []);
});

test('dhcpcd’s advertisements: those of another interface are none of this one', () => {
  assert.deepEqual(printedAdvertisements(PRINTED, 'eth1'), []);
  assert.equal(printedParts(PRINTED, 'eth0').length, 2);
});

test('dhcpcd’s advertisements: a value of another form is left out', () => {
  const changed = (from: RegExp, to: string) => printedAdvertisements(PRINTED.replace(from, to), 'eth0')[0];
  assert.equal(changed(/fe80::9c87\S+/, '2001:db8::1')?.router, 'fe80::2', 'no router has another address');
  assert.deepEqual(changed(/information1_length=64/, 'information1_length=640')?.prefixes, []);
  assert.deepEqual(changed(/prefix=2001:db8::/, 'prefix=10.0.0.0')?.prefixes, []);
  assert.deepEqual(changed(/2001:db8::11 /, '10.0.0.1 x ')?.servers[0]?.addresses, ['2001:db8::12']);
  assert.equal(changed(/nd1_lifetime=600/, 'nd1_lifetime=-1')?.lifetime, 0);
});
