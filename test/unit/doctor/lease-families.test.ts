/** Doctor and a host with two leases that disagree. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { leaseFamiliesCheck } from '../../../agent/doctor/checks/lease-families-check.ts';
import { codes, seenBy } from '../../parts/doctor-patient.ts';

const LEASE4 = (servers: string) =>
  `lease {\n  interface "eth0";\n  fixed-address 10.0.0.9;\n  option domain-name-servers ${servers};\n}\n`;
const LEASE6 = (option: string) => `lease6 {\n  interface "eth0";\n  option ${option};\n}\n`;
const DHCLIENTS = { 12: 'dhclient -4 eth0', 13: 'dhclient -6 eth0' };

function look(t: TestContext, six: string, { yaml = '', files = {} }: { yaml?: string; files?: object } = {}) {
  const leases = {
    'var/lib/dhcp/dhclient.leases': LEASE4('10.0.0.1'),
    'var/lib/dhcp/dhclient6.leases': LEASE6(six),
    ...files,
  };
  return seenBy(t, leaseFamiliesCheck, { files: leases, dhclients: DHCLIENTS, ...(yaml === '' ? {} : { yaml }) });
}

test('doctor: name servers of two families that differ are reported, unless they are held or merged', (t) => {
  const other = 'dhcp6.name-servers 2001:db8::1';
  const [found] = look(t, other);
  assert.equal(found?.code, 'HF-LEASES-DISAGREE');
  assert.match(found?.seen ?? '', /dhclient\[12\] on eth0 brings 10\.0\.0\.1 by IPv4, .* 2001:db8::1 by IPv6/);
  assert.deepEqual(codes(look(t, other, { yaml: 'dns: { search: [a.example] }\n' })), ['HF-LEASES-DISAGREE']);
  assert.deepEqual(look(t, other, { yaml: 'dns: { nameservers: [10.0.0.7] }\n' }), []);
  assert.deepEqual(look(t, other, { files: { 'sbin/resolvconf': '' } }), []);
  assert.deepEqual(look(t, 'dhcp6.domain-search "a.example"'), [], 'IPv6 brings no name server');
  assert.deepEqual(look(t, 'domain-name-servers 10.0.0.1'), [], 'superseded: the script writes the same at both');
});
