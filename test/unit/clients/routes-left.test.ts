/** Which settings of `dhcp` make the next start of a client that is told by files lose a configured default route. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Dhcpcd } from '../../../agent/clients/dhcpcd/kept.ts';
import { DHCP_DROP_INS, keptDropIn } from '../../../agent/clients/networkd/drop-in.ts';
import { NetworkdDhcp } from '../../../agent/clients/networkd/kept-dhcp.ts';
import type { DesiredState } from '../../../agent/config/desired.ts';
import { clientSurroundings } from '../../parts/client-surroundings.ts';
import { desiredOf, patientHost } from '../../parts/doctor-patient.ts';
import { FILES, NetworkdHost, OTHERS } from '../../parts/networkd-host.ts';
import { scratch } from '../../parts/scratch.ts';

/** No network of the loopback interface, which every host has, leads to 203.0.113.1. */
const wish = (dhcp: string) =>
  desiredOf(`{ routes: [{ to: default, via: 203.0.113.1, dev: lo }], dhcp: ${dhcp} }`) as DesiredState;
const LOSES = /^with this the host would lose its default route/;
const ROUTES = '[routers, static-routes, rfc3442-classless-static-routes, ms-classless-static-routes]';
const LOSING = [
  '{ ignore: [routers] }',
  '{ request: { without: [routers] } }',
  `{ request: { without: ${ROUTES} } }`,
  '{ interfaces: { lo: { request: { without: [routers] } } } }',
];
const KEEPING = ['{ ignore: [router-advertisements] }', '{ request: { without: [ntp-servers] } }'];

test('routes left, networkd: each setting by which it leaves the routes of an offer is refused', async (t) => {
  const refusal = async (dhcp: string) => {
    const host = new NetworkdHost(scratch(t, { ...FILES, ...LO }), { others: OTHERS });
    const found = await new NetworkdDhcp(host, wish(dhcp), clientSurroundings(host)).inspect();
    const key = keptDropIn('10-lan.network', DHCP_DROP_INS);
    const file = found.find((finding) => finding.key === key);
    assert.ok(file, dhcp);
    return file.refusal ?? '';
  };
  for (const dhcp of LOSING) assert.match(await refusal(dhcp), LOSES, dhcp);
  for (const dhcp of KEEPING) assert.equal(await refusal(dhcp), '', dhcp);
});

/** The file is in force for lo, through which the configured route leads, and not for eth0. */
const LO = {
  'etc/systemd/network/10-lan.network': '[Match]\nName=lo\n\n[Network]\nDHCP=ipv4\n',
  'sys/class/net/lo/ifindex': '1\n',
  'run/systemd/netif/links/1': FILES['run/systemd/netif/links/2'],
  'run/systemd/netif/links/2': 'ADMIN_STATE=unmanaged\n',
};

test('routes left, dhcpcd: nooption lines of request.without are refused like those of ignore', async (t: TestContext) => {
  const refusals = async (dhcp: string) => {
    const host = patientHost(t, {
      files: { 'usr/sbin/dhcpcd': '', 'etc/dhcpcd.conf': 'duid\n' },
      others: { dhcpcd: { 40: 'dhcpcd' } },
    });
    const found = await new Dhcpcd(host, wish(dhcp), clientSurroundings(host)).inspect();
    assert.ok(found.length > 0, dhcp);
    return found.map(({ refusal }) => refusal ?? '');
  };
  for (const dhcp of LOSING) for (const one of await refusals(dhcp)) assert.match(one, LOSES, dhcp);
  for (const dhcp of KEEPING) assert.deepEqual([...new Set(await refusals(dhcp))], [''], dhcp);
  const own = '{ request: { without: [routers] }, interfaces: { lo: { request: { also: [routers] } } } }';
  assert.deepEqual([...new Set(await refusals(own))], [''], 'the interface asks for it all the same');
});
