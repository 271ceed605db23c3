/** NetworkManager's files in their order, and what Holdfast keeps of them on a folder of files. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leavesResolvConf, mainSettings } from '../../../../agent/clients/networkmanager/conf.ts';
import { NetworkManager } from '../../../../agent/clients/networkmanager/kept.ts';
import type { DesiredDns } from '../../../../agent/config/desired.ts';
import { KnownFiles } from '../../../../agent/hold/files/verified-files.ts';
import { accepted } from '../../../parts/accepted.ts';
import { clientSurroundings } from '../../../parts/client-surroundings.ts';
import { patientHost } from '../../../parts/doctor-patient.ts';

const DNS: DesiredDns = accepted({
  domain: null,
  search: null,
  nameservers: ['10.0.0.1'],
  sortlist: null,
  options: null,
  symlink: 'refuse',
  split: null,
  verify: null,
});

test('NetworkManager.conf: the last file wins; /etc stands for /usr/lib, and only [main] counts', (t) => {
  const files = {
    'usr/lib/NetworkManager/conf.d/20-a.conf': '[main]\ndns=dnsmasq\n',
    'usr/lib/NetworkManager/conf.d/30-masked.conf': '[main]\ndns=default\n',
    'etc/NetworkManager/NetworkManager.conf': '# [main]\n[main]\nplugins = keyfile\n[ifupdown]\ndns=default\n',
    'etc/NetworkManager/conf.d/30-masked.conf': '[main]\ndns = none # not a comment\n',
    'etc/NetworkManager/conf.d/40-not-read': '[main]\ndns=default\n',
  };
  const host = patientHost(t, { files });
  assert.deepEqual(
    mainSettings(host).map(({ file, line, key, value }) => `${file.replace(/.*\//, '')}:${line} ${key} ${value}`),
    ['20-a.conf:2 dns dnsmasq', 'NetworkManager.conf:3 plugins keyfile', '30-masked.conf:2 dns none # not a comment'],
  );
  assert.equal(leavesResolvConf(host), false);
  const unmanaged = { 'etc/NetworkManager/NetworkManager.conf': '[main]\nrc-manager=unmanaged\n' };
  assert.equal(leavesResolvConf(patientHost(t, { files: unmanaged })), true);
});

test('not here: nothing; below a root that has it: both files; no more configured: taken away', async (t) => {
  const known = new KnownFiles('');
  const inspect = (patient: Parameters<typeof patientHost>[1], dns: DesiredDns | null) => {
    const host = patientHost(t, patient);
    return new NetworkManager(host, dns, clientSurroundings(host, known)).inspect();
  };
  assert.deepEqual(await inspect({}, DNS), []);
  const installed = { 'usr/sbin/NetworkManager': '' };
  const image = await inspect({ files: installed, live: false }, DNS);
  assert.deepEqual(
    image.map(({ key, moment, state }) => [key, moment, state]),
    [
      ['/etc/NetworkManager/dispatcher.d/90-holdfast', 'lease', 'drifted'],
      ['/etc/NetworkManager/conf.d/90-holdfast.conf', 'boot', 'drifted'],
    ],
  );
  const left = { 'etc/NetworkManager/conf.d/90-holdfast.conf': image[1]?.wanted ?? '' };
  const [gone] = await inspect({ files: left }, null);
  assert.deepEqual(
    [gone?.key, gone?.wanted, gone?.state],
    ['/etc/NetworkManager/conf.d/90-holdfast.conf', null, 'drifted'],
  );
});
