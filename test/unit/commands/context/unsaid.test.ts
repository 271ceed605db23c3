/** A configuration that holds nothing is refused, unless it says that this is meant. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openToHold } from '../../../../agent/commands/context/context.ts';
import { command } from '../../../parts/command.ts';
import { load } from '../../../parts/config-memory.ts';
import { scratch } from '../../../parts/scratch.ts';

const AGENT_YAML = 'etc/holdfast/agent.yaml';
const HELD = 'dns: { nameservers: [10.0.0.53] }\nsysctl: { net.ipv4.ip_forward: 1 }\n';

function host(t: TestContext, text: string, more: Record<string, string> = {}): string {
  const root = scratch(t, {
    'etc/resolv.conf': 'nameserver 9.9.9.9\n',
    'etc/dhcp/dhclient-enter-hooks.d/debug': ':\n',
    [AGENT_YAML]: text,
    ...more,
  });
  chmodSync(root, 0o755);
  return root;
}

const NOTHING = {
  'an empty file': '',
  'blanks and line breaks': ' \n\n  \n',
  'comments only': '# dns:\n#   nameservers: [10.0.0.1]\n',
  'an empty map': '{}\n',
  'a document mark': '---\n...\n',
  'sections without content': 'dns: {}\nsysctl: {}\nroutes: []\nforwarding: {}\ndhclient: { interfaces: {} }\n',
  'interfaces and requests without content':
    'dhclient: { request: { without: [] }, interfaces: { eth0: { supersede: {}, request: { also: [] } } } }\n',
  'what only says how': 'dns: { symlink: replace }\ndhclient: { restart: whenSafe }\nmetadata: { interval: 1m }\n',
  'an empty report': 'report: {}\nprobes: {}\n',
};

for (const [what, text] of Object.entries(NOTHING)) {
  test(`a configuration that holds nothing is refused: ${what}`, async (t) => {
    const root = host(t, text);
    await assert.rejects(openToHold({ root }), /agent\.yaml: configures nothing.*write the settings.*"hold: nothing"/);
  });
}

test('unsaid settings: settings in a drop-in are settings', async (t) => {
  const root = host(t, '', { 'etc/holdfast/agent.d/site.yaml': HELD });
  assert.equal((await openToHold({ root })).desired.dns?.nameservers?.[0], '10.0.0.53');
});

test('unsaid settings: each section that holds something is enough', async (t) => {
  for (const text of [
    'dns: { options: [rotate] }\n',
    'dhclient: { ignore: [routers] }\n',
    'dhclient: { request: { without: [routers] } }\n',
    'dhclient: { interfaces: { eth1: { supersede: { interface-mtu: 1400 } } } }\n',
    'sysctl: { net.ipv4.ip_forward: 1 }\n',
    'routes: [ { to: 10.9.0.0/16, type: blackhole } ]\n',
    'forwarding: { ipv4: true }\n',
    'egress: { default: bgp }\n',
  ])
    await openToHold({ root: host(t, text) });
});

test('unsaid settings: one that only reports is well, until this host is held', async (t) => {
  const root = host(t, 'report: { interval: 10s }\n');
  await openToHold({ root });
  writeFileSync(join(root, AGENT_YAML), HELD);
  assert.equal((await command('apply', '--root', root)).status, 0);
  for (const text of ['report: { interval: 10s }\n', '']) {
    writeFileSync(join(root, AGENT_YAML), text);
    const { status, stdout, stderr } = await command('apply', '--root', root);
    assert.deepEqual([status, stdout], [1, ''], stderr);
    assert.match(stderr, /this host is held: an apply would remove the hooks.*"hold: nothing".*`agent revert`/);
    assert.ok(existsSync(join(root, 'etc/dhcp/dhclient-enter-hooks.d/zz-holdfast')), 'nothing is touched');
  }
});

test('unsaid settings: said on purpose it lets go of the hooks, and the values stay', async (t) => {
  const root = host(t, HELD);
  assert.equal((await command('apply', '--root', root)).status, 0);
  const before = readFileSync(join(root, 'etc/resolv.conf'), 'utf8');
  writeFileSync(join(root, AGENT_YAML), 'hold: nothing\nreport: { interval: 10s }\n');
  const { status, stderr } = await command('apply', '--root', root);
  assert.equal(status, 0, stderr);
  assert.ok(!existsSync(join(root, 'etc/dhcp/dhclient-enter-hooks.d/zz-holdfast')));
  assert.equal(readFileSync(join(root, 'etc/resolv.conf'), 'utf8'), before);
});

test('hold: nothing beside a setting is an error, and so is any other value', async () => {
  for (const [text, message] of [
    [
      'hold: nothing\ndns: { domain: a.example }\negress: { default: bgp }\n',
      'says that nothing is held, but dns, egress is configured; take one of the two out',
    ],
    ['hold: everything\n', '"everything" is not known; write nothing'],
  ] as const) {
    const result = await load(text);
    assert.deepEqual(result.ok ? [] : result.errors.map((error) => error.message), [message]);
  }
});

test('unsaid settings: what init writes on a host without any setting can be applied', async (t) => {
  const root = scratch(t);
  assert.equal((await command('init', '--root', root)).status, 0);
  assert.match(readFileSync(join(root, AGENT_YAML), 'utf8'), /\nhold: nothing\n$/);
  await openToHold({ root });
});
