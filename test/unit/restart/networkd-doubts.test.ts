/** What keeps `dhcp.restart: whenSafe` from restarting systemd-networkd. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { networkdLinks } from '../../../agent/clients/networkd/managed-links.ts';
import type { DesiredState } from '../../../agent/config/desired.ts';
import { restartDoubt } from '../../../agent/restart/networkd-doubts.ts';
import { desiredOf, FolderHost } from '../../parts/doctor-patient.ts';
import { FILES, link, OTHERS, STATE } from '../../parts/networkd-host.ts';
import { scratch } from '../../parts/scratch.ts';

const IPV6 = '2: eth0    inet6 2001:db8::9/128 scope global dynamic noprefixroute\n';

test('restart of networkd: each doubt is a sentence, and without a doubt there is none', (t) => {
  const seen = (version: number, dhcp: string, { files = {}, ip = '' }: { files?: object; ip?: string } = {}) => {
    const network = { 'etc/systemd/network/10-lan.network': '[Network]\nDHCP=yes\n' };
    const root = scratch(t, { ...FILES, [STATE]: link('10.0.0.1'), ...network, ...files });
    const programs = { networkctl: { stdout: `systemd ${version} (x)\n+PAM\n` }, ip: { stdout: ip } };
    const host = new FolderHost(root, { others: OTHERS, programs });
    return restartDoubt(host, desiredOf(`dhcp: ${dhcp}`) as DesiredState, networkdLinks(host));
  };
  const plain = '{ request: { also: [interface-mtu] } }';
  assert.equal(seen(252, plain), null);
  assert.match(seen(255, plain) ?? '', /only with systemd 252 and 257, and this is 255/);
  assert.match(seen(257, plain, { files: { 'sys/class/net/eth0/device/x': '' } }) ?? '', /eth0 may go down/);
  const configuring = link('10.0.0.1').replace('configured', 'configuring');
  assert.match(seen(257, plain, { files: { [STATE]: configuring } }) ?? '', /eth0 is not configured now/);
  for (const dhcp of ['{ ignore: [routers] }', '{ request: { without: [static-routes] } }']) {
    assert.match(seen(257, dhcp) ?? '', /may remove routes of the present lease/);
  }
  // ip(8) of this host gives the same answer to each question: here only the question for addresses matters.
  const lines = IPV6.replace('2: eth0 ', 'local ');
  assert.match(seen(252, plain, { ip: lines }) ?? '', /systemd 252 gives up the DHCPv6 address of eth0/);
  assert.doesNotMatch(seen(257, plain, { ip: lines }) ?? '', /DHCPv6/);
  assert.match(seen(257, plain, { ip: 'default via 10.0.0.1 proto static metric 50\n' }) ?? '', /route default via 10/);
});
