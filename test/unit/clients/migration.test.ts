/** A DHCP client that is replaced by another: what is prepared, what counts, and what is left behind. */
import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { DHCPCD_CONF, ENTER_HOOK } from '../../../agent/clients/dhcpcd/running.ts';
import { DISPATCHER, NETWORK_MANAGER_CONF } from '../../../agent/clients/networkmanager/running.ts';
import type { DesiredState } from '../../../agent/config/desired.ts';
import { orphansCheck } from '../../../agent/doctor/checks/orphans-check.ts';
import { converge, inspectAll } from '../../../agent/hold/converge.ts';
import { KnownFiles } from '../../../agent/hold/files/verified-files.ts';
import { settingViews } from '../../../agent/hold/settings-view.ts';
import { makeResources } from '../../../agent/resources/index.ts';
import type { ResourceName } from '../../../agent/resources/resource-names.ts';
import { DEBIAN_SCRIPT } from '../../parts/dhclient-scripts.ts';
import { desiredOf, type FolderHost, type Patient, patientHost, seenOn } from '../../parts/doctor-patient.ts';
import { missing } from '../../parts/scratch.ts';

const skip = missing('flock');
const DNS = desiredOf('dns: { nameservers: [10.0.0.21], search: [example.com] }') as DesiredState;
const ONLY: ResourceName[] = ['hooks', 'dhcpcd', 'resolver', 'networkmanager'];
const BASE = { 'etc/resolv.conf': 'nameserver 10.0.0.1\n', 'etc/hostname': 'a\n' };
const DHCPCD = { 'usr/sbin/dhcpcd': '', [DHCPCD_CONF.slice(1)]: 'hostname\n' };
const NETWORK_MANAGER = { 'usr/sbin/NetworkManager': '', 'etc/NetworkManager/conf.d/x': '' };
const DHCLIENT = { 'sbin/dhclient-script': DEBIAN_SCRIPT };
const FOLDERS = { 'etc/dhcp/dhclient-enter-hooks.d/resolvconf': ':\n', 'etc/dhcp/dhclient-exit-hooks.d/x': ':\n' };

const hostWith = (t: TestContext, files: Record<string, string>, patient: Patient = {}) =>
  patientHost(t, { ...patient, files: { ...BASE, ...files } });
const resources = (host: FolderHost) => makeResources(host, DNS, { only: ONLY, known: new KnownFiles('') });
const moments = async (host: FolderHost) => {
  const views = await settingViews(await inspectAll(resources(host)));
  const found = views.find(({ setting }) => setting === 'dns.nameservers')?.moments ?? {};
  return Object.values(found).map(({ moment, state }) => `${moment} ${state}`);
};

test('client migration: each client that is installed is prepared, whichever runs', { skip }, async (t) => {
  const host = hostWith(t, { ...DHCPCD, ...NETWORK_MANAGER, ...DHCLIENT, ...FOLDERS });
  const outcomes = await converge(host, resources(host));
  assert.deepEqual(
    outcomes.map(({ result }) => result),
    outcomes.map(() => 'changed'),
  );
  for (const file of [ENTER_HOOK, DHCPCD_CONF, DISPATCHER, NETWORK_MANAGER_CONF]) {
    assert.match(host.readText(file) ?? '', /agent apply/, file);
  }
  assert.deepEqual(
    (await converge(host, resources(host))).filter(({ result }) => result !== 'ok'),
    [],
  );
  // Only dhclient, whose hooks alone decide here: the others do not run.
  assert.deepEqual(await moments(host), ['lease ok', 'now ok']);
});

test('client migration: a file that cannot be prepared for an idle client is no failure', { skip }, async (t) => {
  const files = { ...DHCPCD, [DHCPCD_CONF.slice(1)]: 'hostname\0\n', ...NETWORK_MANAGER };
  const later = { 'etc/NetworkManager/conf.d/99-vendor.conf': '[main]\ndns=dnsmasq\n' };
  const host = hostWith(t, { ...files, ...later });
  const outcomes = await converge(host, resources(host));
  const failed = outcomes.filter(({ result }) => result === 'failed');
  assert.deepEqual(failed, []);
  const skipped = (await converge(host, resources(host))).filter(({ result }) => result === 'skipped');
  assert.deepEqual(
    skipped.map(({ key }) => key),
    [DHCPCD_CONF, NETWORK_MANAGER_CONF],
  );
  assert.match(skipped[0]?.reason ?? '', /dhcpcd does not run; at its start: .*NUL/);
  assert.match(skipped[1]?.reason ?? '', /99-vendor\.conf:2 sets dns=dnsmasq after ours/);
  assert.deepEqual(await moments(host), ['now ok', 'boot ok']);
  const running = hostWith(t, { ...files, ...later }, { others: { dhcpcd: { 9: 'dhcpcd: eth0 [ip4]' } } });
  const really = (await converge(running, resources(running))).filter(({ result }) => result === 'failed');
  assert.deepEqual(
    really.map(({ key }) => key),
    [DHCPCD_CONF],
    'of the one that runs it is',
  );
});

test('client migration: files of another configuration are not reported as missing', { skip }, async (t) => {
  const running: Patient = { others: { dhcpcd: { 9: ['dhcpcd: eth0 [ip4]'] } } };
  const host = hostWith(t, DHCPCD, running);
  const reasons = async (yaml: string) => {
    const all = makeResources(host, desiredOf(yaml) as DesiredState, { only: ['dhcpcd'], known: new KnownFiles('') });
    const [view] = await settingViews(await inspectAll(all));
    return Object.values(view!.moments).map(({ moment, reason }) => `${moment}: ${reason}`);
  };
  assert.deepEqual(await reasons('dns: { nameservers: [10.0.0.21] }'), [
    'lease: no hook of Holdfast holds it yet',
    `boot: ${DHCPCD_CONF} has no lines of Holdfast yet`,
  ]);
  await converge(host, resources(host));
  assert.deepEqual(await reasons('dns: { nameservers: [10.0.0.22] }'), [
    'lease: the hook in place is of another configuration, or was changed',
    `boot: Holdfast's lines in ${DHCPCD_CONF} are of another configuration, or were changed`,
  ]);
});

test('client migration: an idle dhclient decides no moment of dns, but keeps those of its own settings', {
  skip,
}, async (t) => {
  const files = {
    ...DHCLIENT,
    ...FOLDERS,
    'etc/dhcp/dhclient-exit-hooks.d/resolved': 'resolvectl dns eth0 $new_domain_name_servers\n',
    'sys/class/net/eth0/ifindex': '2\n',
  };
  const yaml = 'dns: { nameservers: [10.0.0.21] }\ndhclient: { supersede: { ntp-servers: [10.0.0.2] } }';
  const states = async (patient: Patient) => {
    const host = hostWith(t, files, patient);
    const all = makeResources(host, desiredOf(yaml) as DesiredState, {
      only: ['hooks', 'dhclient'],
      known: new KnownFiles(''),
    });
    await converge(host, all);
    const views = await settingViews(await inspectAll(all));
    return views.map(({ setting, moments }) => `${setting} ${moments.lease?.state} ${moments.boot?.state}`);
  };
  const own = 'dhclient.supersede.ntp-servers ok ok';
  assert.deepEqual(await states({}), ['dns.nameservers unknown ok', own]);
  const leased = { dhcpcd: { 9: ['dhcpcd: eth0 [ip4]'] } };
  assert.deepEqual(await states({ others: leased }), [own]);
});

test('client migration: the hooks of a dhclient that is gone hold nothing, and are named', { skip }, async (t) => {
  const host = hostWith(t, FOLDERS);
  await converge(host, resources(host));
  assert.deepEqual(await moments(host), ['now ok', 'boot ok'], 'no lease');
  const seen = (one: FolderHost) => seenOn(one, orphansCheck, {}).map(({ code, seen }) => `${code} ${seen}`);
  assert.deepEqual(seen(host), [
    'HF-HOOK-ORPHAN /etc/dhcp/dhclient-enter-hooks.d/zz-holdfast and /etc/dhcp/dhclient-exit-hooks.d/zz-holdfast: for dhclient, which is not installed',
  ]);
  host.makeFolder('/sbin', 0o755);
  host.replace('/sbin/dhclient', '');
  assert.deepEqual(seen(host), []);
  assert.deepEqual(await moments(host), ['lease ok', 'now ok']);
});

test('client migration: our files of a removed dhcpcd or NetworkManager are named', {
  skip,
}, async (t) => {
  const host = hostWith(t, { ...DHCPCD, ...NETWORK_MANAGER });
  await converge(host, resources(host));
  chmodSync(join(host.root, DISPATCHER), 0o755);
  const gone = () => seenOn(host, orphansCheck, {}).map(({ seen }) => seen);
  assert.deepEqual(gone(), []);
  host.remove('/usr/sbin/dhcpcd');
  assert.deepEqual(gone(), [`${ENTER_HOOK}: for dhcpcd, which is not installed`]);
  host.remove('/usr/sbin/NetworkManager');
  assert.equal(gone().length, 2);
  assert.deepEqual(await moments(host), ['now ok', 'boot ok'], 'neither decides anything');
});
