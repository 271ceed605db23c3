/** Which devices `dhcp.ignore` concerns, if an interface supersedes what the others ignore. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NetworkManagerDhcp } from '../../../../agent/clients/networkmanager/kept-dhcp.ts';
import type { DesiredState } from '../../../../agent/config/desired.ts';
import { clientSurroundings } from '../../../parts/client-surroundings.ts';
import { desiredOf, patientHost } from '../../../parts/doctor-patient.ts';

const PROFILE = 'etc/NetworkManager/system-connections/eth0.nmconnection';

test('NetworkManager, ignore: a device that supersedes the option takes the offer, as with other clients', async (t) => {
  const files = {
    'usr/sbin/NetworkManager': '',
    'sys/class/net/eth0/ifindex': '2\n',
    'run/NetworkManager/devices/2': '[device]\nconnection-uuid=u1\n[dhcp4]\ndhcp4.routers=10.0.0.1\n',
    [PROFILE]: '[connection]\nuuid=u1\n[ipv4]\nmethod=auto\n[ipv6]\nmethod=auto\n',
  };
  const host = patientHost(t, { files, others: { NetworkManager: { 812: 'NetworkManager' } } });
  const edited = async (yaml: string) => {
    const desired = desiredOf(`dhcp: { ignore: [routers], interfaces: { eth0: { ${yaml} } } }`) as DesiredState;
    const found = await new NetworkManagerDhcp(host, desired, clientSurroundings(host)).inspect();
    return found.filter(({ kind }) => kind === 'file').map(({ key }) => key);
  };
  assert.deepEqual(await edited('supersede: { ntp-servers: [10.0.0.8] }'), [`/${PROFILE}`]);
  assert.deepEqual(await edited('supersede: { routers: [10.0.0.9] }'), []);
});
