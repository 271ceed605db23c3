/** Settings of `dhcp` for which no client gives a state: `status` shows them as unknown, and never leaves them out. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { DHCPCD_CONF } from '../../../agent/clients/dhcpcd/running.ts';
import { withUnheldDhcp } from '../../../agent/clients/unheld-dhcp.ts';
import type { DesiredState } from '../../../agent/config/desired.ts';
import { inspectAll } from '../../../agent/hold/converge.ts';
import { KnownFiles } from '../../../agent/hold/files/verified-files.ts';
import { settingViews } from '../../../agent/hold/settings-view.ts';
import { makeResources } from '../../../agent/resources/index.ts';
import type { ResourceName } from '../../../agent/resources/resource-names.ts';
import { DEBIAN_SCRIPT } from '../../parts/dhclient-scripts.ts';
import { desiredOf, type Patient, patientHost } from '../../parts/doctor-patient.ts';

const NTP = 'dhcp: { supersede: { ntp-servers: [10.0.0.2] } }';
const NETWORK = { 'etc/resolv.conf': '', 'sys/class/net/eth0/ifindex': '2\n' };
const DHCPCD = { 'usr/sbin/dhcpcd': '', [DHCPCD_CONF.slice(1)]: 'hostname\n' };
const SCRIPT = { 'sbin/dhclient-script': DEBIAN_SCRIPT, 'etc/dhcp/dhclient-enter-hooks.d/x': '' };
const UDHCPC = { others: { udhcpc: { 9: 'udhcpc -i eth0' } } };

async function unheld(t: TestContext, yaml: string, patient: Patient = {}, only?: ResourceName[]) {
  const host = patientHost(t, { ...patient, files: { ...NETWORK, ...patient.files } });
  const desired = desiredOf(yaml) as DesiredState;
  const views = await settingViews(await inspectAll(makeResources(host, desired, { only, known: new KnownFiles('') })));
  const all = withUnheldDhcp(host, desired.dhcp, views, only);
  assert.deepEqual(all.slice(0, views.length), views);
  return all.slice(views.length).map(({ setting, wanted, moments }) => {
    const states = Object.values(moments).map(({ moment, state, reason }) => `${moment} ${state}: ${reason}`);
    return [setting, wanted, ...states];
  });
}

const NOBODY = ['lease', 'boot'].map((moment) => `${moment} unknown: no running DHCP client holds it`);

test('status: a setting of dhcp that no running client holds is unknown', async (t) => {
  assert.deepEqual(await unheld(t, NTP), [['dhcp.supersede.ntp-servers', '10.0.0.2', ...NOBODY]], 'no client');
  const yaml = `dhcp: { interfaces: { eth0: { request: { also: [ntp-servers, www-server] } } } }`;
  assert.deepEqual(
    await unheld(t, yaml, { files: DHCPCD }),
    [['dhcp.interfaces.eth0.request.also', 'ntp-servers www-server', ...NOBODY]],
    'an idle dhcpcd',
  );
  const both = 'dhcp: { ignore: [routers, router-advertisements] }';
  assert.deepEqual(
    (await unheld(t, both)).map(([setting]) => setting),
    ['dhcp.ignore'],
    'the kernel holds one of them only',
  );
});

test('status: a setting of dhcp that a client answers for is not added', async (t) => {
  const dhclient: Patient = { dhclients: { 7: 'dhclient eth0' }, files: SCRIPT };
  const requested = 'dhcp: { request: { also: [www-server] }, supersede: { ntp-servers: [10.0.0.2] } }';
  assert.deepEqual(await unheld(t, requested, dhclient), [], 'dhclient holds them');
  assert.deepEqual(await unheld(t, `${NTP}\ndhclient: { supersede: { ntp-servers: [10.0.0.3] } }`, dhclient), []);
  const advertisements = 'dhcp: { ignore: [router-advertisements] }';
  assert.deepEqual(await unheld(t, advertisements, UDHCPC), [], 'the kernel holds it');
  assert.deepEqual(await unheld(t, 'dns: { nameservers: [10.0.0.1] }'), [], 'nothing of dhcp');
});

test('status: with --only, nothing is said of clients that were not looked at', async (t) => {
  assert.deepEqual(await unheld(t, NTP, {}, ['dhcpcd', 'resolver']), []);
});

test('status: of the files of another root, nothing is said about running clients', async (t) => {
  const [found] = await unheld(t, NTP, { live: false });
  assert.match(found?.join() ?? '', /lease unknown: no DHCP client among these files holds it/);
});
