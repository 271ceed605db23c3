/** What the running systemd-networkd still holds of settings that went out of the configuration. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { NetworkdDhcp } from '../../../../agent/clients/networkd/kept-dhcp.ts';
import type { DesiredState } from '../../../../agent/config/desired.ts';
import { clientSurroundings } from '../../../parts/client-surroundings.ts';
import { desiredOf } from '../../../parts/doctor-patient.ts';
import { FILES, NetworkdHost, OTHERS } from '../../../parts/networkd-host.ts';
import { scratch } from '../../../parts/scratch.ts';

const READ = 'run/systemd/network/10-lan.network.d/zz-holdfast-dhcp.conf';
const NETWORK = '[Match]\nName=eth*\n\n[Network]\nDHCP=ipv4\n';

async function said(t: TestContext, read: string, yaml: string) {
  const root = scratch(t, { ...FILES, 'etc/systemd/network/10-lan.network': NETWORK, [READ]: read });
  const host = new NetworkdHost(root, { others: OTHERS });
  const found = await new NetworkdDhcp(host, desiredOf(yaml) as DesiredState, clientSurroundings(host)).inspect();
  return found.filter(({ key }) => key === `/${READ}`).map(({ state, reason }) => `${state}: ${reason}`);
}

const holds = (lines: string) => [
  `skipped: systemd-networkd holds ${lines} of an earlier configuration until it starts again`,
];

test('networkd, still read: each removed setting is named, and a setting that stays is not', async (t) => {
  const both = '[DHCPv4]\nUseGateway=no\nRequestOptions=66\nRequestOptions=67\n';
  const also = 'dhcp: { request: { also: [tftp-server-name] } }';
  assert.deepEqual(await said(t, both, also), holds('[DHCPv4] UseGateway=no, [DHCPv4] RequestOptions=67'));
  const none = 'dns: { nameservers: [10.0.0.1] }';
  assert.deepEqual(await said(t, '[DHCPv4]\nUseGateway=no\n', none), holds('[DHCPv4] UseGateway=no'));
  assert.deepEqual(await said(t, '[DHCPv4]\nUseGateway=no\n', 'dhcp: { ignore: [routers] }'), []);
  const other = 'dhcp: { supersede: { interface-mtu: 1400 } }';
  assert.deepEqual(await said(t, '[Link]\nMTUBytes=1300\n\n[DHCPv4]\nUseMTU=no\n', other), [], 'changed, not removed');
});
