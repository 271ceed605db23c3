/** `agent status` shows ✓ only if the host would really hold: everything here once looked right and was not. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { DesiredState } from '../../../agent/config/desired.ts';
import { inspectAll } from '../../../agent/hold/converge.ts';
import { KnownFiles } from '../../../agent/hold/files/verified-files.ts';
import type { Moment, SettingState } from '../../../agent/hold/resource.ts';
import { settingViews } from '../../../agent/hold/settings-view.ts';
import { makeResources } from '../../../agent/resources/index.ts';
import { desired, dns, WHOLE } from '../../parts/desired.ts';
import { DEBIAN_SCRIPT } from '../../parts/dhclient-scripts.ts';
import { type FolderHost, type Patient, patientHost } from '../../parts/doctor-patient.ts';
import { fill } from '../../parts/scratch.ts';

const RHEL = '#!/bin/bash\nif [ -x /etc/dhcp/dhclient-enter-hooks ]; then\n  . /etc/dhcp/dhclient-enter-hooks\nfi\n';
const ENTER = 'etc/dhcp/dhclient-enter-hooks.d';
const EXIT = 'etc/dhcp/dhclient-exit-hooks.d';
const OURS = `${ENTER}/zz-holdfast`;

function views(host: FolderHost, state: DesiredState) {
  const resources = makeResources(host, state, { known: new KnownFiles('') });
  return inspectAll(resources).then(settingViews);
}

async function one(
  host: FolderHost,
  setting: string,
  moment: Moment,
  state = WHOLE,
): Promise<SettingState | undefined> {
  return (await views(host, state)).find((view) => view.setting === setting)?.moments[moment];
}

/** A host where the hooks are in their place, as `apply` would put them. */
async function held(t: TestContext, script: string, patient: Patient = {}, lease = 'ok'): Promise<FolderHost> {
  const files = { 'sbin/dhclient-script': script, 'etc/resolv.conf': '', 'etc/dhcp/x': '', [`${ENTER}/x`]: '' };
  const host = patientHost(t, { ...patient, files: { ...files, ...patient.files } });
  for (const resource of makeResources(host, WHOLE, { only: ['hooks'], known: new KnownFiles('') })) {
    for (const { key, wanted } of await resource.inspect()) {
      fill(host.root, { [key]: wanted ?? '' });
      chmodSync(join(host.root, key), 0o755);
    }
  }
  assert.equal((await one(host, 'dns.nameservers', 'lease'))?.state, lease);
  return host;
}

test('status: a hook that comes later and redefines make_resolv_conf has the last word', async (t) => {
  const host = await held(t, DEBIAN_SCRIPT);
  fill(host.root, { [`${ENTER}/zzz`]: '# theirs\nmake_resolv_conf() { :; }\n' });
  const found = await one(host, 'dns.nameservers', 'lease');
  assert.equal(found?.state, 'unknown');
  assert.match(found?.reason ?? '', /dhclient-enter-hooks\.d\/zzz:2: make_resolv_conf/);
  assert.equal((await one(host, 'dns.options', 'boot'))?.state, 'unknown');
  assert.equal((await one(host, 'dhclient.supersede.ntp-servers', 'lease'))?.state, 'ok');
});

test('status: one that comes earlier, or says it in a comment, does not', async (t) => {
  const host = await held(t, DEBIAN_SCRIPT);
  fill(host.root, {
    [`${ENTER}/resolvconf`]: 'make_resolv_conf() { :; }\nnew_routers=\n',
    [`${ENTER}/zzz`]: '# make_resolv_conf() { :; }\n',
    [`${ENTER}/zzzz.bak`]: 'make_resolv_conf() { :; }\n',
    [`${EXIT}/a`]: 'grep nameserver </etc/resolv.conf\n',
  });
  assert.equal((await one(host, 'dns.nameservers', 'lease'))?.state, 'ok');
});

test('status: a later hook that sets what the lease says, and an exit hook that writes resolv.conf', async (t) => {
  const host = await held(t, DEBIAN_SCRIPT);
  fill(host.root, { [`${EXIT}/old`]: 'echo nameserver 10.0.0.1 >/etc/resolv.conf\n' });
  assert.match((await one(host, 'dns.nameservers', 'lease'))?.reason ?? '', /dhclient-exit-hooks\.d\/old:1/);
  assert.equal((await one(host, 'dhclient.supersede.ntp-servers', 'lease'))?.state, 'ok');
  fill(host.root, { [`${ENTER}/zzz`]: 'export new_ntp_servers=10.0.0.1\n' });
  assert.equal((await one(host, 'dhclient.supersede.ntp-servers', 'lease'))?.state, 'unknown');
});

test("status: in RHEL's shared hook, lines below our block count as later, and lines above do not", async (t) => {
  const host = await held(t, RHEL, { files: { 'etc/dhcp/dhclient-enter-hooks': 'make_resolv_conf() { :; }\n' } });
  const shared = host.readText('/etc/dhcp/dhclient-enter-hooks') ?? '';
  fill(host.root, { 'etc/dhcp/dhclient-enter-hooks': `${shared}make_resolv_conf() { :; }\n` });
  const found = await one(host, 'dns.nameservers', 'lease');
  assert.equal(found?.state, 'unknown');
  const line = shared.split('\n').length;
  assert.ok(found?.reason?.includes(`/etc/dhcp/dhclient-enter-hooks:${line}: make_resolv_conf`), found?.reason);
});

test("status: RHEL's shared hook without its run bit is passed over", async (t) => {
  const host = await held(t, RHEL);
  chmodSync(join(host.root, 'etc/dhcp/dhclient-enter-hooks'), 0o644);
  assert.equal((await one(host, 'dns.nameservers', 'lease'))?.state, 'drifted');
});

test('status: a dhclient-script that sources no hooks, the host’s or a client’s own', async (t) => {
  const host = await held(t, DEBIAN_SCRIPT, { dhclients: { 7: 'dhclient -sf /opt/script eth0' } }, 'unknown');
  assert.match((await one(host, 'dns.domain', 'lease'))?.reason ?? '', /dhclient\[7\] on eth0 runs \/opt\/script/);
  const other = await held(t, DEBIAN_SCRIPT);
  fill(other.root, { 'sbin/dhclient-script': '#!/bin/sh\n# dhclient-enter-hooks.d was here\nip addr add\n' });
  const found = await one(other, 'dns.nameservers', 'lease');
  assert.equal(found?.state, 'unknown');
  assert.match(found?.reason ?? '', /\/sbin\/dhclient-script sources no hooks/);
});

test('resolv.conf a symbolic link that is refused: what its owner makes of a lease is not known', async (t) => {
  const host = await held(t, DEBIAN_SCRIPT);
  rmSync(join(host.root, 'etc/resolv.conf'));
  symlinkSync('../run/systemd/resolve/stub-resolv.conf', join(host.root, 'etc/resolv.conf'));
  for (const moment of ['lease', 'boot'] as const) {
    const found = await one(host, 'dns.options', moment);
    assert.equal(found?.state, 'unknown', moment);
    assert.match(found?.reason ?? '', /symbolic link to \.\.\/run\/systemd\/resolve/);
  }
  assert.equal((await one(host, 'dhclient.supersede.ntp-servers', 'lease'))?.state, 'ok');
});

test('status: a hook of an earlier configuration goes on holding, and status says which values', async (t) => {
  const host = await held(t, DEBIAN_SCRIPT);
  const state = desired({
    ...WHOLE,
    dns: { ...WHOLE.dns!, nameservers: dns({ nameservers: ['10.0.0.99'] }).nameservers },
  });
  const servers = await one(host, 'dns.nameservers', 'lease', state);
  assert.equal(servers?.state, 'drifted');
  assert.deepEqual(servers?.older, WHOLE.dns!.nameservers);
  assert.match(servers?.reason ?? '', /^is 10\.34\.56\.78 .* by the hook in place, which is of another configuration/);
  const search = await one(host, 'dns.search', 'lease', state);
  assert.equal(search?.state, 'unknown', 'it is as wanted, beside what else may have changed');
  rmSync(join(host.root, OURS));
  assert.equal((await one(host, 'dns.nameservers', 'lease', state))?.older, undefined);
  assert.equal((await one(host, 'dns.search', 'lease', state))?.state, 'drifted');
});

test('status: an MTU that the running dhclient does not set waits for its next start', async (t) => {
  const mtu = (value: string) => ({ files: { 'sys/class/net/eth1/mtu': `${value}\n` } });
  const setting = 'dhclient.interfaces.eth1.supersede.interface-mtu';
  const dhclients = { 7: 'dhclient eth1', 8: 'dhclient eth0' };
  const waits = await held(t, DEBIAN_SCRIPT, { ...mtu('1500'), dhclients });
  const found = await one(waits, setting, 'lease');
  assert.equal(found?.state, 'unknown');
  assert.match(found?.reason ?? '', /^pending until the next start of dhclient\[7\] on eth1: .*eth1 has 1500$/);
  assert.equal((await one(waits, setting, 'boot'))?.state, 'ok');
  assert.equal((await one(await held(t, DEBIAN_SCRIPT, { ...mtu('1400'), dhclients }), setting, 'lease'))?.state, 'ok');
  assert.equal((await one(await held(t, DEBIAN_SCRIPT, mtu('1500')), setting, 'lease'))?.state, 'ok');
});

test('status: what cannot be read is unknown, not a moment at which nothing can be forgotten', async (t) => {
  const host = await held(t, DEBIAN_SCRIPT);
  const sysctl = { path: 'net/ipv4/ip_forward', key: 'net.ipv4.ip_forward', want: { value: '1' }, optional: false };
  const state = desired({ ...WHOLE, sysctl: [sysctl] });
  for (const file of [OURS, 'etc/resolv.conf', 'etc/dhcp/dhclient.conf', 'etc/sysctl.d/60-holdfast.conf']) {
    rmSync(join(host.root, file), { force: true });
    mkdirSync(join(host.root, file), { recursive: true });
  }
  // In the folder, but no file: nothing that could stop the rest.
  mkdirSync(join(host.root, 'etc/sysctl.d/10-folder.conf'));
  const states = async (setting: string) => {
    const { moments } = (await views(host, state)).find((view) => view.setting === setting)!;
    return Object.entries(moments).map(([moment, { state }]) => `${moment} ${state}`);
  };
  assert.deepEqual(await states('dns.nameservers'), ['lease unknown', 'now unknown', 'boot unknown']);
  assert.deepEqual(await states('dns.options'), ['lease unknown', 'boot unknown', 'now unknown']);
  assert.deepEqual((await states('sysctl.net.ipv4.ip_forward')).at(-1), 'boot unknown');
});
