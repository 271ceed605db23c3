/** openresolv writes resolv.conf anew from all its records, so it is given another file to write. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { RESOLVCONF_CONF } from '../../../../agent/clients/openresolv.ts';
import type { DesiredState } from '../../../../agent/config/desired.ts';
import { resolvConfOwnerCheck } from '../../../../agent/doctor/checks/resolv-conf-owner-check.ts';
import { converge, inspectAll } from '../../../../agent/hold/converge.ts';
import { KnownFiles } from '../../../../agent/hold/files/verified-files.ts';
import { settingViews } from '../../../../agent/hold/settings-view.ts';
import { makeResources } from '../../../../agent/resources/index.ts';
import { revertAll } from '../../../../agent/resources/revert-all.ts';
import { desiredOf, type FolderHost, patientHost, seenOn } from '../../../parts/doctor-patient.ts';
import { missing } from '../../../parts/scratch.ts';

const skip = missing('flock');
const DNS = 'dns: { nameservers: [10.0.0.21] }\n';
const DEBIAN = '# Configuration for resolvconf(8)\nresolv_conf=/etc/resolv.conf\n# unbound_conf=/x\n';

function hostWith(t: TestContext, conf: string | null, more: Record<string, string> = {}): FolderHost {
  const file = conf === null ? {} : { [RESOLVCONF_CONF.slice(1)]: conf };
  return patientHost(t, {
    files: {
      'etc/hostname': 'a\n',
      'etc/resolv.conf': 'nameserver 10.0.0.1\n',
      'sbin/resolvconf': '',
      ...file,
      ...more,
    },
  });
}

const resources = (host: FolderHost, yaml = DNS) =>
  makeResources(host, desiredOf(yaml) as DesiredState, { only: ['resolver'], known: new KnownFiles('') });
const state = async (host: FolderHost) => {
  const [view] = await settingViews(await inspectAll(resources(host)));
  return Object.values(view?.moments ?? {}).map((one) => `${one.moment} ${one.state}`);
};
const isNamed = (host: FolderHost) => seenOn(host, resolvConfOwnerCheck, { yaml: DNS }).length > 0;

/** The file that openresolv would write, as its own shell has it. */
function target(host: FolderHost): string {
  const script = `. ${host.locate(RESOLVCONF_CONF)}; printf %s "\${resolv_conf:-/etc/resolv.conf}"`;
  return spawnSync('sh', ['-c', script], { encoding: 'utf8' }).stdout;
}

test('openresolv: it gets another file to write, status and doctor agree, and revert restores it', {
  skip,
}, async (t) => {
  for (const conf of [
    DEBIAN,
    '',
    'name_servers=10.0.0.9',
    'resolv_conf="/etc/resolv.conf"\n',
    'resolv_conf=/x\nresolv_conf=\n',
  ]) {
    const host = hostWith(t, conf);
    assert.deepEqual(await state(host), ['lease drifted', 'boot drifted', 'now drifted'], conf);
    assert.equal(isNamed(host), true);
    await converge(host, resources(host));
    assert.equal(target(host), '/run/resolvconf/resolv.conf');
    assert.deepEqual(await state(host), ['lease ok', 'boot ok', 'now ok']);
    assert.equal(isNamed(host), false);
    assert.deepEqual(
      (await converge(host, resources(host))).map(({ result }) => result),
      ['ok', 'ok'],
    );
    await revertAll(host);
    assert.equal(host.readText(RESOLVCONF_CONF), conf);
  }
});

test('openresolv: an assignment below our block has the last word, so the block goes to the end', {
  skip,
}, async (t) => {
  const host = hostWith(t, DEBIAN);
  await converge(host, resources(host));
  host.replace(RESOLVCONF_CONF, `${host.readText(RESOLVCONF_CONF)}resolv_conf=/etc/resolv.conf\n`);
  assert.equal((await state(host))[0], 'lease drifted');
  await converge(host, resources(host));
  assert.equal(target(host), '/run/resolvconf/resolv.conf');
  assert.match(host.readText(RESOLVCONF_CONF) ?? '', /^resolv_conf=\/etc\/resolv\.conf\n# BEGIN holdfast\n/m);
});

test('openresolv: a resolvconf that leaves resolv.conf alone, or is another program, is left as it is', {
  skip,
}, async (t) => {
  for (const conf of ['resolvconf=NO\n', 'resolv_conf=/run/other\n', "resolv_conf='/run/other' # unbound\n", null]) {
    const host = hostWith(t, conf);
    await converge(host, resources(host));
    assert.equal(host.readText(RESOLVCONF_CONF), conf);
    assert.equal(isNamed(host), false);
  }
  const systemd = hostWith(t, DEBIAN, { 'usr/bin/resolvectl': '' });
  systemd.remove('/sbin/resolvconf');
  symlinkSync('../usr/bin/resolvectl', join(systemd.root, 'sbin/resolvconf'));
  await converge(systemd, resources(systemd));
  assert.equal(systemd.readText(RESOLVCONF_CONF), DEBIAN);
});

test('openresolv: the block goes once dns is no longer configured', { skip }, async (t) => {
  const host = hostWith(t, DEBIAN);
  await converge(host, resources(host));
  await converge(host, resources(host, 'sysctl: { net.ipv4.ip_forward: 1 }'));
  assert.equal(host.readText(RESOLVCONF_CONF), DEBIAN);
});
