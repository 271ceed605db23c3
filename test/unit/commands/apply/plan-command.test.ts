/** What `agent plan` prints: settings before files, and no script of our own line by line. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { command } from '../../../parts/command.ts';
import { scratch } from '../../../parts/scratch.ts';

const YAML = `
dns: { nameservers: [10.0.0.1] }
sysctl: { net.ipv4.ip_forward: 1 }
`;

test('plan: a hook is told by its length, resolv.conf by its lines; --json has all', async (t) => {
  const root = scratch(t, {
    'etc/holdfast/agent.yaml': YAML,
    'etc/dhcp/dhclient-enter-hooks.d/debug': ':\n',
    'etc/resolv.conf': 'nameserver 9.9.9.9\n',
  });
  const { status, stdout } = await command('plan', '--root', root);
  assert.equal(status, 2);
  assert.match(stdout, /^\+nameserver 10\.0\.0\.1$/m);
  assert.match(stdout, /^\+\+\+ .*zz-holdfast$\n^@@ Holdfast's own script: \d+ lines added, 0 removed/m);
  assert.ok(stdout.split('\n').length < 60, stdout);
  const { findings } = JSON.parse((await command('plan', '--json', '--root', root)).stdout);
  const hook = findings.find(({ key }: { key: string }) => key.includes('enter-hooks.d/zz-holdfast'));
  assert.ok(hook.diff.split('\n').length > 30);
});
