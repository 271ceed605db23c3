/** Where cloud-init is told to write resolv.conf: all of its sources, and which one counts. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { resolvConfOwner } from '../../agent/doctor/resolv-conf-owner.ts';
import { seenBy } from './doctor-patient.ts';

const FILE = { 'etc/resolv.conf': 'nameserver 10.0.0.1\n' };
const SYSTEM = 'etc/cloud/cloud.cfg';
const FOLDER = 'etc/cloud/cloud.cfg.d';
const INSTANCE = 'var/lib/cloud/instance';

/** What doctor says, without its code. */
function seen(t: TestContext, files: Record<string, string>): string[] {
  const all = seenBy(t, resolvConfOwner, { files: { ...FILE, ...files }, yaml: 'dns: { nameservers: [10.0.0.1] }' });
  assert.ok(all.every(({ code }) => code === 'HF-RESOLV-CLOUD-INIT'));
  return all.map((one) => one.seen);
}

test('cloud-init: each source of its configuration is read, and named with its line', (t) => {
  const sources = [
    SYSTEM,
    `${FOLDER}/9.cfg`,
    'run/cloud-init/cloud.cfg',
    `${INSTANCE}/vendor-cloud-config.txt`,
    `${INSTANCE}/vendor2-cloud-config.txt`,
    `${INSTANCE}/cloud-config.txt`,
  ];
  for (const file of sources) {
    const text = '#cloud-config\n# manage_resolv_conf: false\nmanage_resolv_conf: true # as the image has it\n';
    assert.deepEqual(seen(t, { [file]: text }), [`/${file}:3: manage_resolv_conf: true # as the image has it`]);
  }
  const cmdline = { 'proc/cmdline': 'root=/dev/sda1 cc:manage_resolv_conf:%20true end_cc quiet\n' };
  assert.deepEqual(seen(t, cmdline), ['/proc/cmdline: manage_resolv_conf: true']);
  assert.deepEqual(seen(t, { [SYSTEM]: 'manage_resolv_conf: true\n', 'etc/cloud/cloud-init.disabled': '' }), []);
});

test('cloud-init: what the user of the instance says comes before everything else', (t) => {
  const on = 'manage_resolv_conf: true\n';
  const off = 'manage_resolv_conf: false\n';
  const user = `${INSTANCE}/cloud-config.txt`;
  const vendor = `${INSTANCE}/vendor-cloud-config.txt`;
  assert.deepEqual(seen(t, { [SYSTEM]: on, [user]: off }), []);
  assert.deepEqual(seen(t, { [SYSTEM]: off, [vendor]: on }), [`/${vendor}:1: manage_resolv_conf: true`]);
  assert.deepEqual(seen(t, { [user]: off, [vendor]: on }), []);
  assert.deepEqual(seen(t, { [`${FOLDER}/10.cfg`]: on, [`${FOLDER}/20.cfg`]: off }), [], 'the later file counts');
  assert.deepEqual(seen(t, { [user]: `${off}${on}` }).length, 1, 'and of two lines the later one');
});

test('cloud-init: only its own key counts, however it is written', (t) => {
  const user = `${INSTANCE}/cloud-config.txt`;
  for (const text of [
    'manage_resolv_conf: yes',
    'manage-resolv-conf: On',
    '"manage_resolv_conf": 1',
    '{manage_resolv_conf: true}',
  ]) {
    assert.equal(seen(t, { [user]: `${text}\n` }).length, 1, text);
  }
  const elsewhere = 'write_files:\n  - path: /x\n    content: |\n      manage_resolv_conf: true\n';
  for (const text of [
    'manage_resolv_conf: no',
    'manage_resolv_conf: ~',
    elsewhere,
    '- manage_resolv_conf: true',
    ': [',
    '',
  ]) {
    assert.deepEqual(seen(t, { [user]: `${text}\n` }), [], text);
  }
});
