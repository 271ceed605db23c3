/** What NetworkManager can hold of `dhcp`, and the texts of its files, on a folder of files. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NetworkManagerDhcp } from '../../../../agent/clients/networkmanager/kept-dhcp.ts';
import { withKeys } from '../../../../agent/clients/networkmanager/profile-text.ts';
import type { DesiredState } from '../../../../agent/config/desired.ts';
import { clientSurroundings } from '../../../parts/client-surroundings.ts';
import { desiredOf, patientHost } from '../../../parts/doctor-patient.ts';

const DEVICE = {
  'usr/sbin/NetworkManager': '',
  'sys/class/net/eth0/ifindex': '2\n',
  'run/NetworkManager/devices/2': '[device]\nconnection-uuid=u1\n[dhcp4]\ndhcp4.routers=10.0.0.1\n',
  'etc/NetworkManager/system-connections/eth0.nmconnection':
    '[connection]\nuuid=u1\n[ipv4]\nmethod=auto\n[ipv6]\nmethod=disabled\n',
};
const others = { NetworkManager: { 812: 'NetworkManager' } };

test('NetworkManager, dhcp: only devices with a lease get a default, and each setting says why not', async (t) => {
  const host = patientHost(t, {
    files: { ...DEVICE, 'sys/class/net/eth1/ifindex': '3\n', 'run/NetworkManager/devices/3': '[device]\n' },
    others,
  });
  const desired = desiredOf(
    'dhcp: { supersede: { interface-mtu: 1400, host-name: web1 }, interfaces: { eth1: { supersede: { root-path: /x } } } }',
  );
  const found = await new NetworkManagerDhcp(host, desired as DesiredState, clientSurroundings(host)).inspect();
  assert.deepEqual(
    found.map(({ key, state }) => [key, state]),
    [
      ['/etc/NetworkManager/conf.d/90-holdfast-dhcp.conf', 'drifted'],
      ['NetworkManager[812]', 'drifted'],
      ['dhcp.supersede.host-name', 'skipped'],
    ],
  );
  assert.match(found[0]?.wanted ?? '', /^match-device=interface-name:=eth0\nethernet\.mtu=1400$/m);
  assert.doesNotMatch(found[0]?.wanted ?? '', /eth1/);
  assert.match(found[2]?.reason ?? '', /write the name into \/etc\/hostname/);
});

test('NetworkManager, dhcp: with another client of its own the request list is unknown', async (t) => {
  const conf = { 'etc/NetworkManager/conf.d/10-site.conf': '[main]\ndhcp=dhclient\n' };
  const host = patientHost(t, { files: { ...DEVICE, ...conf }, others });
  const desired = desiredOf('dhcp: { request: { also: [interface-mtu] } }') as DesiredState;
  const [one] = await new NetworkManagerDhcp(host, desired, clientSurroundings(host)).inspect();
  assert.match(one?.reason ?? '', /10-site\.conf:2 sets dhcp=dhclient/);
});

test('NetworkManager, dhcp: our file is taken away when nothing is configured any more', async (t) => {
  const conf = '[connection-holdfast-eth0]\nmatch-device=interface-name:=eth0\nethernet.mtu=1400\n';
  const files = { ...DEVICE, 'etc/NetworkManager/conf.d/90-holdfast-dhcp.conf': conf };
  const host = patientHost(t, { files, others });
  const desired = desiredOf('hold: nothing');
  const found = await new NetworkManagerDhcp(host, desired as DesiredState, clientSurroundings(host)).inspect();
  assert.deepEqual(
    found.map(({ state, wanted }) => [state, wanted]),
    [['drifted', null]],
  );
});

test('keyfile: a key is added to its section, replaced, or left; every other byte stays', () => {
  const key = { section: 'ipv4', key: 'never-default', value: 'true' };
  const text = '# mine\n[connection]\nid=a\n\n[ipv4]\n# auto\nmethod=auto\n\n[ipv6]\nmethod=auto\n';
  const edited =
    '# mine\n[connection]\nid=a\n\n[ipv4]\n# auto\nmethod=auto\nnever-default=true\n\n[ipv6]\nmethod=auto\n';
  assert.equal(withKeys(text, [key]), edited);
  assert.equal(withKeys(edited, [key]), edited);
  assert.equal(withKeys('[ipv4]\nnever-default = false', [key]), '[ipv4]\nnever-default=true');
  assert.equal(withKeys('[connection]\nid=a', [key]), '[connection]\nid=a\n\n[ipv4]\nnever-default=true\n');
  const twice = '[ipv4]\nnever-default=true\n[ipv6]\n[ipv4]\nnever-default=false\n';
  assert.equal(withKeys(twice, [key]), '[ipv4]\n[ipv6]\n[ipv4]\nnever-default=true\n');
});
