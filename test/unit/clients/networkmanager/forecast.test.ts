/** What the next lease of NetworkManager brings, without Holdfast and with it, by its records and profiles. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { leaseForecasts } from '../../../../agent/clients/holders.ts';
import { desiredOf, patientHost } from '../../../parts/doctor-patient.ts';

const PROFILE = 'etc/NetworkManager/system-connections/eth0.nmconnection';
const OFFER = `[device]
connection-uuid=u1
[dhcp4]
dhcp4.dhcp_lease_time=600
dhcp4.expiry=2000
dhcp4.ip_address=10.0.0.9
dhcp4.domain_name=old.example.com
dhcp4.domain_name_servers=10.0.0.1 10.0.0.2
dhcp4.ntp_servers=10.0.0.3
dhcp4.routers=10.0.0.254
`;
const DESIRED = 'dns: { nameservers: [10.0.0.21] }\ndhcp: { ignore: [routers, classless-routes] }\n';
const all = () => true;
const none = () => false;

function hostWith(t: TestContext, profile: string, offer = OFFER, files: Record<string, string> = {}) {
  const common = {
    'usr/sbin/NetworkManager': '',
    'sys/class/net/eth0/ifindex': '2\n',
    'run/NetworkManager/devices/2': offer,
    [PROFILE]: `[connection]\nuuid=u1\n${profile}`,
  };
  return patientHost(t, { files: { ...common, ...files }, others: { NetworkManager: { 812: 'NetworkManager' } } });
}

test('forecast of NetworkManager: the profile decides what it takes of the offer; ours come where they are held', async (t) => {
  const host = hostWith(t, '[ipv4]\nmethod=auto\n');
  const [one, ...more] = await leaseForecasts(host, desiredOf(DESIRED), all);
  assert.deepEqual(more, []);
  const without = {
    nameservers: ['10.0.0.1', '10.0.0.2'],
    search: ['old.example.com'],
    routers: ['10.0.0.254'],
    ntp: ['10.0.0.3'],
  };
  assert.deepEqual(one?.without, without);
  assert.deepEqual(one?.with, { ...without, nameservers: ['10.0.0.21'], routers: [] });
  assert.deepEqual(
    [one?.program, one?.pid, one?.interface, one?.family, one?.address, one?.renews],
    ['NetworkManager', 812, 'eth0', 4, '10.0.0.9', 1_700_000],
  );
  const own = hostWith(t, '[ipv4]\ndns=10.9.9.9;\ndns-search=own.example;\nignore-auto-dns=true\nnever-default=true\n');
  const [odd] = await leaseForecasts(own, desiredOf(DESIRED), none);
  assert.deepEqual(odd?.without, {
    ...without,
    nameservers: ['10.9.9.9'],
    search: ['own.example'],
    routers: [],
  });
  assert.deepEqual(odd?.with, odd?.without, 'nothing is held');
});

test('forecast of NetworkManager: classless routes, DHCPv6, a lease for ever, and another dns=none', async (t) => {
  const offer = `${OFFER.replace('=600', '=4294967295')}dhcp4.rfc3442_classless_static_routes=10.1.0.0/16 10.0.0.7 0.0.0.0/0 10.0.0.8
[dhcp6]
dhcp6.ip6_address=2001:db8::9
dhcp6.dhcp6_name_servers=2001:db8::53
`;
  const files = { 'etc/NetworkManager/conf.d/10-site.conf': '[main]\ndns=none\n' };
  const [four, six] = await leaseForecasts(hostWith(t, '[ipv4]\nmethod=auto\n', offer), desiredOf(DESIRED), none);
  assert.deepEqual([four?.without.routers, four?.renews], [['10.0.0.8'], null]);
  assert.deepEqual([six?.family, six?.without.nameservers, six?.without.routers], [6, ['2001:db8::53'], null]);
  const [left] = await leaseForecasts(hostWith(t, '', OFFER, files), desiredOf(DESIRED), none);
  assert.deepEqual([left?.without.nameservers, left?.without.search], [null, null]);
});

test('forecast of NetworkManager: files that changed after its start make it stale, and the sentence names them', async (t) => {
  const conf = 'etc/NetworkManager/conf.d/10-site.conf';
  const host = hostWith(t, '[ipv4]\nmethod=auto\n', OFFER, { [conf]: '[main]\n' });
  const [one] = await leaseForecasts(host, desiredOf(DESIRED), all);
  assert.match(
    one?.stale ?? '',
    /10-site\.conf \(read by: nmcli general reload\); .*eth0\.nmconnection \(read by: nmcli connection load '\/etc\/.*'\)/,
  );
  const generated = hostWith(t, '[ipv4]\nmethod=auto\n\n[.nmmeta]\nnm-generated=true\n');
  assert.equal((await leaseForecasts(generated, desiredOf(DESIRED), all))[0]?.stale, null, 'its own profile');
  const started = Math.max(...[PROFILE, conf].map((file) => statSync(join(host.root, file)).ctimeMs)) + 1;
  host.processes = () => [{ pid: 812, arguments: ['NetworkManager'], started, sinceBoot: 0 }];
  assert.equal((await leaseForecasts(host, desiredOf(DESIRED), all))[0]?.stale, null);
});
