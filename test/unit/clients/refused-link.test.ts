/** A resolv.conf that is another program's link, which `dns.symlink` refuses: nothing of DNS is applied, at no moment. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { DHCPCD_CONF, ENTER_HOOK } from '../../../agent/clients/dhcpcd/running.ts';
import type { DesiredState } from '../../../agent/config/desired.ts';
import { converge, inspectAll } from '../../../agent/hold/converge.ts';
import { KnownFiles } from '../../../agent/hold/files/verified-files.ts';
import { settingViews } from '../../../agent/hold/settings-view.ts';
import { makeResources } from '../../../agent/resources/index.ts';
import type { ResourceName } from '../../../agent/resources/resource-names.ts';
import { revertAll } from '../../../agent/resources/revert-all.ts';
import { desiredOf, type FolderHost, patientHost } from '../../parts/doctor-patient.ts';
import { missing } from '../../parts/scratch.ts';

const skip = missing('flock');
const ONLY: ResourceName[] = ['hooks', 'dhcpcd', 'resolved', 'resolver', 'networkmanager', 'dhclient'];
const HOOK = '/etc/dhcp/dhclient-enter-hooks.d/zz-holdfast';
const CONF = '/etc/dhcp/dhclient.conf';
const FILES = {
  'etc/hostname': 'a\n',
  'sbin/dhclient-script': '#!/bin/sh\nrun_hookdir /etc/dhcp/dhclient-enter-hooks.d\n',
  'etc/dhcp/dhclient-enter-hooks.d/x': ':\n',
  'etc/dhcp/dhclient-exit-hooks.d/x': ':\n',
  [CONF.slice(1)]: 'timeout 60;\n',
  'usr/sbin/dhcpcd': '',
  [DHCPCD_CONF.slice(1)]: 'hostname\n',
  'usr/sbin/NetworkManager': '',
  'etc/NetworkManager/conf.d/x': '',
  'run/resolvconf/resolv.conf': 'nameserver 10.0.0.1\n',
};
const DNS = 'dns: { nameservers: [10.0.0.21], search: [example.com], options: [rotate] }\n';
const NTP = `${DNS}dhclient: { supersede: { ntp-servers: [10.0.0.80] } }\n`;

function linkedHost(t: TestContext, target = '../run/resolvconf/resolv.conf'): FolderHost {
  const host = patientHost(t, { files: FILES, others: { dhcpcd: { 9: 'dhcpcd: eth0 [ip4]' } } });
  symlinkSync(target, join(host.root, 'etc/resolv.conf'));
  return host;
}

const made = (host: FolderHost, yaml: string) =>
  makeResources(host, desiredOf(yaml) as DesiredState, { only: ONLY, known: new KnownFiles('') });

test('refused link: no file is changed, and no moment counts as held', { skip }, async (t) => {
  for (const target of ['../run/resolvconf/resolv.conf', '/run/NetworkManager/resolv.conf', '/srv/mine']) {
    const host = linkedHost(t, target);
    const outcomes = await converge(host, made(host, DNS));
    assert.deepEqual(
      outcomes.filter(({ result }) => result === 'changed'),
      [],
    );
    assert.deepEqual(
      outcomes.filter(({ result }) => result === 'failed').map(({ key }) => key),
      ['/etc/resolv.conf'],
    );
    assert.equal(host.lstat(HOOK), null);
    assert.equal(host.lstat(ENTER_HOOK), null);
    assert.equal(host.readText(CONF), 'timeout 60;\n');
    assert.equal(host.readText(DHCPCD_CONF), 'hostname\n');
    for (const { moments } of await settingViews(await inspectAll(made(host, DNS)))) {
      assert.notEqual(moments.now?.state, 'ok');
      assert.deepEqual([moments.lease?.state, moments.boot?.state], ['unknown', 'unknown']);
      assert.match(moments.lease?.reason ?? '', /is a symbolic link to .*set dns\.symlink to "replace"/);
    }
  }
});

test('refused link: the other settings of dhclient are held', { skip }, async (t) => {
  const host = linkedHost(t);
  await converge(host, made(host, NTP));
  assert.match(host.readText(HOOK) ?? '', /new_ntp_servers='10\.0\.0\.80'/);
  assert.doesNotMatch(host.readText(HOOK) ?? '', /10\.0\.0\.21|make_resolv_conf/);
  assert.match(host.readText(CONF) ?? '', /supersede ntp-servers 10\.0\.0\.80;/);
  assert.doesNotMatch(host.readText(CONF) ?? '', /10\.0\.0\.21|domain-search/);
  const again = await converge(host, made(host, NTP));
  assert.deepEqual(
    again.filter(({ result }) => result === 'changed'),
    [],
  );
  // Once the link is gone, DNS comes to the same files.
  rmSync(join(host.root, 'etc/resolv.conf'));
  await converge(host, made(host, NTP));
  assert.match(host.readText(HOOK) ?? '', /make_resolv_conf/);
  assert.match(host.readText(CONF) ?? '', /supersede domain-name-servers 10\.0\.0\.21;/);
});

test('refused link: settings held before the link came stay', { skip }, async (t) => {
  const host = linkedHost(t);
  rmSync(join(host.root, 'etc/resolv.conf'));
  await converge(host, made(host, DNS));
  const before = [HOOK, CONF, ENTER_HOOK, DHCPCD_CONF].map((file) => host.readText(file));
  rmSync(join(host.root, 'etc/resolv.conf'));
  symlinkSync('../run/resolvconf/resolv.conf', join(host.root, 'etc/resolv.conf'));
  const outcomes = await converge(host, made(host, DNS));
  const changed = outcomes.filter(({ result }) => result === 'changed').map(({ key }) => key);
  // Its own hook may write resolv.conf again, because another program owns the link.
  assert.deepEqual(changed, [DHCPCD_CONF]);
  assert.deepEqual(
    [HOOK, CONF, ENTER_HOOK].map((file) => host.readText(file)),
    before.slice(0, 3),
  );
  assert.match(host.readText(DHCPCD_CONF) ?? '', /static domain_name_servers=10\.0\.0\.21/);
  const views = await settingViews(await inspectAll(made(host, DNS)));
  assert.ok(views.every(({ moments }) => moments.lease?.state !== 'ok' && moments.boot?.state !== 'ok'));
});

test('refused link: for a link to no file, `replace` makes a file and `follow` reports the fault', {
  skip,
}, async (t) => {
  for (const target of ['/srv/folder', '/srv/pipe', '/srv/null/x']) {
    const symlink = (policy: string) => DNS.replace(' }', `, symlink: ${policy} }`);
    const host = linkedHost(t, target);
    mkdirSync(join(host.root, 'srv/folder'), { recursive: true });
    for (const pipe of ['pipe', 'null']) execFileSync('mkfifo', [join(host.root, 'srv', pipe)]);
    if (target !== '/srv/null/x') {
      const followed = await converge(host, made(host, symlink('follow')));
      const failed = followed.filter(({ result }) => result === 'failed');
      assert.deepEqual(
        failed.map(({ key }) => key),
        ['/etc/resolv.conf'],
        target,
      );
      assert.match(failed[0]!.reason!, /no regular file.*"replace"/);
      for (const { moments } of await settingViews(await inspectAll(made(host, symlink('follow')))))
        assert.notEqual(moments.lease?.state, 'ok', target);
    }
    const replaced = await converge(host, made(host, symlink('replace')));
    assert.deepEqual(
      replaced.filter(({ result }) => result === 'failed'),
      [],
      target,
    );
    assert.match(host.readText('/etc/resolv.conf')!, /nameserver 10\.0\.0\.21/);
    const back = (await revertAll(host)).find(({ key }) => key === '/etc/resolv.conf');
    assert.notEqual(back!.actual, null, 'it is not said to be removed');
    assert.equal(host.readLink('/etc/resolv.conf'), target);
  }
});
