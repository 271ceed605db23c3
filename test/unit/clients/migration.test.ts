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
import { Originals } from '../../../agent/hold/originals/originals.ts';
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

test('client migration: where nothing is left of a client, no lock is looked for, and nothing is found', async (t) => {
  const host = hostWith(t, { 'var/lib/dpkg/lock-frontend': '', 'proc/locks': '' });
  const asked = t.mock.method(host, 'lockedOf');
  const all = makeResources(host, DNS, { known: new KnownFiles('') });
  const clients = ['dhcpcd', 'networkmanager', 'networkmanager-dhcp', 'udhcpc'];
  const findings = await inspectAll(all.filter(({ name }) => clients.includes(name)));
  assert.deepEqual(findings, []);
  assert.equal(asked.mock.callCount(), 0);

  // The control: a file of ours without its client.
  const left = hostWith(t, {
    'var/lib/dpkg/lock-frontend': '',
    'proc/locks': '',
    [DISPATCHER.slice(1)]: '#!/bin/sh\n',
  });
  const askedThen = t.mock.method(left, 'lockedOf');
  await inspectAll(resources(left));
  assert.ok(askedThen.mock.callCount() > 0);
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
    'lease: is 10.0.0.21 by the hook in place, which is of another configuration, or was changed',
    `boot: Holdfast's lines in ${DHCPCD_CONF} are of another configuration, or were changed`,
  ]);
});

test('client migration: an idle dhclient decides no moment of dns and dhcp, but keeps those of its own settings', {
  skip,
}, async (t) => {
  const files = {
    ...DHCLIENT,
    ...FOLDERS,
    'etc/dhcp/dhclient-exit-hooks.d/resolved': 'resolvectl dns eth0 $new_domain_name_servers\n',
    'sys/class/net/eth0/ifindex': '2\n',
  };
  const dhcp = 'dhcp: { supersede: { www-server: [10.0.0.3] }, ignore: [classless-routes] }';
  const yaml = `dns: { nameservers: [10.0.0.21] }\n${dhcp}\ndhclient: { supersede: { ntp-servers: [10.0.0.2] } }`;
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
  const general = ['dhcp.supersede.www-server ok ok', 'dhcp.ignore ok ok'];
  assert.deepEqual((await states({})).sort(), ['dns.nameservers unknown ok', ...general, own].sort());
  const leased = { dhcpcd: { 9: ['dhcpcd: eth0 [ip4]'] } };
  assert.deepEqual(await states({ others: leased }), [own]);
});

/** Our files of this host, and what doctor says of those for clients that are gone. */
const orphans = (host: FolderHost) => seenOn(host, orphansCheck, {}).map(({ seen }) => seen);
const HOOKS = ['enter', 'exit'].map((when) => `/etc/dhcp/dhclient-${when}-hooks.d/zz-holdfast`);
const SCRIPT = '/sbin/dhclient-script';

test('client migration: the hooks of a dhclient that is gone hold nothing, are named, and go', { skip }, async (t) => {
  const host = hostWith(t, { ...DHCLIENT, ...FOLDERS });
  await converge(host, resources(host));
  assert.deepEqual(orphans(host), []);
  host.remove(SCRIPT);
  assert.deepEqual(orphans(host), [`${HOOKS.join(' and ')}: for dhclient, which is not installed`]);
  const plan = await inspectAll(resources(host));
  assert.deepEqual(
    plan.filter(({ state }) => state === 'drifted').map(({ key, wanted }) => [key, wanted]),
    HOOKS.map((file) => [file, null]),
  );
  const outcomes = await converge(host, resources(host));
  assert.deepEqual(
    outcomes.filter(({ result }) => result === 'changed').map(({ key }) => key),
    HOOKS,
  );
  assert.deepEqual(orphans(host), []);
  for (const file of HOOKS) assert.equal(host.readText(file), null, file);
  assert.notEqual(host.readText('/etc/dhcp/dhclient-enter-hooks.d/resolvconf'), null, "a neighbour's hook stays");
  assert.deepEqual(
    new Originals(host).all().filter(({ key }) => HOOKS.includes(key)),
    [],
  );
  assert.deepEqual(await moments(host), ['now ok', 'boot ok'], 'no lease');
  host.replace(SCRIPT, DEBIAN_SCRIPT, 0o755);
  await converge(host, resources(host));
  assert.deepEqual(await moments(host), ['lease ok', 'now ok'], 'it is prepared again when it comes back');
});

test('client migration: on any doubt that a client is gone, its files are kept right', { skip }, async (t) => {
  const doubts: Record<string, (host: FolderHost) => void> = {
    'a program elsewhere': (host) => host.replace('/usr/local/sbin/dhclient', ''),
    'a link to nowhere': (host) => host.replaceLink('/usr/bin/dhclient', '/nowhere'),
  };
  const kept = async (host: FolderHost, doubt: string) => {
    for (const { state } of (await inspectAll(resources(host))).filter(({ key }) => HOOKS.includes(key)))
      assert.equal(state, 'ok', doubt);
    await converge(host, resources(host));
    for (const file of HOOKS) assert.notEqual(host.readText(file), null, doubt);
  };
  for (const [doubt, make] of Object.entries(doubts)) {
    const host = hostWith(t, { ...DHCLIENT, ...FOLDERS });
    await converge(host, resources(host));
    host.remove(SCRIPT);
    for (const folder of ['/usr/local/sbin', '/usr/bin']) host.makeFolder(folder, 0o755);
    make(host);
    await kept(host, doubt);
  }
  const managers = [
    'apt-get',
    'dpkg',
    'apt.systemd.dai',
    'do-release-upgr',
    'packagekitd',
    'rpm',
    'dnf5',
    'rpm-ostree',
  ];
  for (const others of managers.map((name) => ({ [name]: { 9: name } }))) {
    const host = hostWith(t, { ...DHCLIENT, ...FOLDERS }, { others });
    await converge(host, resources(host));
    host.remove(SCRIPT);
    await kept(host, `${Object.keys(others)} runs`);
  }
});

test('client migration: our files of a removed dhcpcd or NetworkManager go, byte for byte', { skip }, async (t) => {
  const theirs = '# mine\nlogger "$reason"\n';
  const host = hostWith(t, { ...DHCPCD, ...NETWORK_MANAGER, [ENTER_HOOK.slice(1)]: theirs });
  await converge(host, resources(host));
  chmodSync(join(host.root, DISPATCHER), 0o755);
  assert.deepEqual(orphans(host), []);
  host.remove('/usr/sbin/dhcpcd');
  assert.deepEqual(orphans(host), [`${ENTER_HOOK} and ${DHCPCD_CONF}: for dhcpcd, which is not installed`]);
  host.remove('/usr/sbin/NetworkManager');
  assert.equal(orphans(host).length, 2);
  assert.deepEqual(await moments(host), ['now ok', 'boot ok'], 'neither decides anything');
  const later = `${host.readText(DHCPCD_CONF)}# a line of later\n`;
  host.replace(DHCPCD_CONF, later);
  await converge(host, resources(host));
  assert.deepEqual(orphans(host), []);
  assert.equal(host.readText(ENTER_HOOK), theirs);
  assert.equal(host.readText(DHCPCD_CONF), 'hostname\n# a line of later\n');
  for (const file of [DISPATCHER, NETWORK_MANAGER_CONF]) assert.equal(host.readText(file), null, file);
  assert.deepEqual(
    (await converge(host, resources(host))).filter(({ result }) => result !== 'ok'),
    [],
  );
});

test('client migration: without a record of its original an orphan stays, and the outcome says why', {
  skip,
}, async (t) => {
  const host = hostWith(t, { ...DHCLIENT, ...FOLDERS });
  await converge(host, resources(host));
  host.remove(SCRIPT);
  for (const original of new Originals(host).all()) new Originals(host).forget(original);
  const outcomes = (await converge(host, resources(host))).filter(({ key }) => HOOKS.includes(key));
  for (const { result, reason } of outcomes) {
    assert.equal(result, 'skipped');
    assert.match(reason ?? '', /no record .* remove it by hand/);
  }
  assert.equal(outcomes.length, 2);
  for (const file of HOOKS) assert.notEqual(host.readText(file), null, file);
});
