/** Where cloud-init is told to write resolv.conf: all of its sources, and which one counts. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { cloudInitActionsCheck } from '../../../agent/doctor/checks/cloud-init-actions-check.ts';
import { resolvConfOwnerCheck } from '../../../agent/doctor/checks/resolv-conf-owner-check.ts';
import { seenBy } from '../../parts/doctor-patient.ts';

const FILE = { 'etc/resolv.conf': 'nameserver 10.0.0.1\n' };
const SYSTEM = 'etc/cloud/cloud.cfg';
const FOLDER = 'etc/cloud/cloud.cfg.d';
const INSTANCE = 'var/lib/cloud/instance';

/** What doctor says, without its code. */
function seen(t: TestContext, files: Record<string, string>): string[] {
  const all = seenBy(t, resolvConfOwnerCheck, {
    files: { ...FILE, ...files },
    yaml: 'dns: { nameservers: [10.0.0.1] }',
  });
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
  for (const text of ['manage_resolv_conf: no', 'manage_resolv_conf: ~', elsewhere, '']) {
    assert.deepEqual(seen(t, { [user]: `${text}\n` }), [], text);
  }
});

test('cloud-init: a source that cannot be read is named with its line', (t) => {
  const yaml = 'dns: { nameservers: [10.0.0.1] }';
  for (const name of [`${INSTANCE}/cloud-config.txt`, `${INSTANCE}/user-data.txt`, `${FOLDER}/9.cfg`]) {
    for (const [text, line] of [
      ['#cloud-config\nruncmd:\n  - [ a\nx: 1\n', 4],
      ['#cloud-config\n- manage_resolv_conf: true\n', 1],
    ] as const) {
      const [one, ...more] = seenBy(t, resolvConfOwnerCheck, { files: { ...FILE, [name]: text }, yaml });
      assert.equal(one?.code, 'HF-UNSEEN');
      assert.match(one?.seen ?? '', new RegExp(`^/${name}:${line}: cloud-init's YAML cannot be read`));
      assert.deepEqual(more, []);
    }
  }
});

/** What doctor says of what cloud-init does, with `@` for the user data's file. */
function done(t: TestContext, text: string, files: Record<string, string> = {}): string[] {
  const yaml =
    'dns: { nameservers: [10.0.0.1] }\nsysctl: { net.ipv4.ip_forward: 1, net.ipv6.conf.all.stable_secret: "fe80::5ec" }';
  const all = seenBy(t, cloudInitActionsCheck, { files: { [`${INSTANCE}/cloud-config.txt`]: text, ...files }, yaml });
  assert.ok(all.every(({ code }) => code === 'HF-CLOUD-INIT'));
  return all.map((one) => one.seen.replace(`/${INSTANCE}/cloud-config.txt`, '@'));
}

test('cloud-init: files that it writes are named where they decide what is configured', (t) => {
  const file = (path: string, content = 'x', more = '') =>
    `write_files:\n- path: ${path}\n  content: ${JSON.stringify(content)}\n${more}`;
  for (const path of ['/etc/resolv.conf', '/etc/dhcp/dhclient.conf', '/etc/dhclient-eth0.conf', '/etc/dhcpcd.conf'])
    assert.deepEqual(done(t, file(path)), [`@:2: write_files writes ${path}`]);
  const sysctl = (content: string, more = '') => done(t, file('/etc/sysctl.d/99-x.conf', content, more));
  const said = '@:2: write_files writes /etc/sysctl.d/99-x.conf, which sets';
  assert.deepEqual(sysctl('# off\nnet.ipv4.conf.all.forwarding = 0\n'), [`${said} net.ipv4.conf.all.forwarding to 0`]);
  assert.deepEqual(sysctl('net.ipv6.conf.all.stable_secret = fe80::1\n'), [
    `${said} net.ipv6.conf.all.stable_secret to (secret)`,
  ]);
  const encoded = Buffer.from('net.ipv4.ip_forward=0\n').toString('base64');
  assert.deepEqual(sysctl(encoded, '  encoding: b64\n'), [`${said} net.ipv4.ip_forward to 0`]);
  assert.deepEqual(sysctl('net.ipv4.ip_forward = 1\nnet.core.somaxconn = 5\n'), []);
  assert.deepEqual(done(t, file('/etc/motd', 'nameserver 10.0.0.1')), []);
});

test('cloud-init: commands that it runs are named, as texts, lists and scripts', (t) => {
  for (const [item, what] of [
    ['sysctl -w net.ipv4.ip_forward=0', 'sets net.ipv4.ip_forward to 0'],
    ['[sysctl, -w, "net.ipv4.ip_forward=0"]', 'sets net.ipv4.ip_forward to 0'],
    ['[sh, -c, "echo 0 > /proc/sys/net/ipv4/ip_forward"]', 'sets net.ipv4.ip_forward to 0'],
    ['echo nameserver 10.9.9.9 > /etc/resolv.conf', 'changes /etc/resolv.conf'],
    ['[ln, -sf, /run/resolv.conf, /etc/resolv.conf]', 'changes /etc/resolv.conf'],
    ["sed -i 's/^request/#/' /etc/dhcp/dhclient.conf", 'changes /etc/dhcp/dhclient.conf'],
    ['"printf x | tee -a /etc/dhcpcd.conf"', 'changes /etc/dhcpcd.conf'],
    ['echo net.core.somaxconn=5 >> /etc/sysctl.conf', 'changes /etc/sysctl.conf'],
  ]) {
    for (const key of ['bootcmd', 'runcmd'])
      assert.deepEqual(done(t, `${key}:\n- echo\n- ${item}\n`), [`@:3: ${key} ${what}`], item);
  }
  for (const item of [
    'cp /etc/resolv.conf /root/',
    'cat /etc/resolv.conf',
    'sysctl -w net.ipv4.ip_forward=1',
    'sed -n p /etc/dhcpcd.conf',
  ])
    assert.deepEqual(done(t, `runcmd:\n- ${item}\n`), [], item);
  const script = '#!/bin/sh\nsysctl -w net.ipv4.ip_forward=0\n';
  for (const place of [`${INSTANCE}/scripts/part-001`, 'var/lib/cloud/scripts/per-boot/x.sh'])
    assert.deepEqual(done(t, '', { [place]: script }), [`/${place}: the script sets net.ipv4.ip_forward to 0`]);
  assert.deepEqual(done(t, '', { [`${INSTANCE}/scripts/runcmd`]: script }), [], 'it is made of runcmd');
});

test('cloud-init: of a list in several sources the strongest one counts', (t) => {
  const system = { [SYSTEM]: 'runcmd:\n- sysctl -w net.ipv4.ip_forward=0\n' };
  assert.deepEqual(done(t, 'runcmd: [ echo ]\n', system), []);
  assert.deepEqual(done(t, '', system), [`/${SYSTEM}:2: runcmd sets net.ipv4.ip_forward to 0`]);
  assert.deepEqual(done(t, '', { ...system, 'etc/cloud/cloud-init.disabled': '' }), []);
});
