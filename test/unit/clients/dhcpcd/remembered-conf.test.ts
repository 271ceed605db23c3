/** What a running dhcpcd says that it remembers (`dhcpcd -U`). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rememberedValues } from '../../../../agent/clients/dhcpcd/remembered-conf.ts';

const PRINTED = `
reason=RENEW
interface=eth0
protocol=dhcp
ip_address=10.77.0.100
subnet_cidr=24
subnet_mask=255.255.255.0
routers=10.77.0.1
domain_name_servers=10.77.0.31
domain_name=lease.example
dhcp_lease_time=597
domain_name_servers=10.77.0.11 10.77.0.12

reason=ROUTERADVERT
nd1_rdnss1_servers=2001:db8::11

reason=BOUND6
dhcp6_name_servers=2001:db8::53
`;

test('dhcpcd’s memory: the last value of a name counts, and what makes addresses and routes or is of IPv6 is left out', () => {
  assert.deepEqual(
    [...rememberedValues(PRINTED)],
    [
      ['domain_name_servers', '10.77.0.11 10.77.0.12'],
      ['domain_name', 'lease.example'],
    ],
  );
});

test('dhcpcd’s memory: nothing but a plain line becomes a line of the file', () => {
  for (const line of ['a b=c', 'x-y=1', '=1', 'name\tq=1', 'domain_name=a\u001bb', 'domain_name=a\rscript /bin/x'])
    assert.deepEqual([...rememberedValues(line)], [], line);
});
