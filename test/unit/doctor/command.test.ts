/** `agent doctor`: its list, JSON, exit status and --only. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { command } from '../../parts/command.ts';
import { scratch } from '../../parts/scratch.ts';

const HEALTHY = {
  'etc/resolv.conf': 'nameserver 10.0.0.1\n',
  'etc/holdfast/agent.yaml': 'dns: { nameservers: [10.0.0.1] }\n',
  'usr/bin/flock': '',
  'usr/bin/cp': '',
};
const SICK = { ...HEALTHY, 'etc/nsswitch.conf': 'hosts: files\n' };

test('doctor command: a healthy folder gives exit status 0 and a count', async (t) => {
  const { status, stdout, stderr } = await command('doctor', '--root', scratch(t, HEALTHY));
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /^0 problems, 0 warnings, 1 note\.$/m);
  assert.match(stdout, /The running kernel and its processes were not looked at/);
});

test('doctor command: a problem gives exit status 2, and comes first with fault, reason and remedy', async (t) => {
  const { status, stdout } = await command('doctor', '--root', scratch(t, SICK));
  assert.equal(status, 2);
  assert.match(
    stdout,
    /^✗ problem HF-NSS-NO-DNS\n {2}\/etc\/nsswitch\.conf:1: hosts: files\n {2}why .+\n {2}do {2}.+\n/,
  );
});

test('doctor command: --json is one document, --quiet prints problems to stderr only, --only limits the checks', async (t) => {
  const root = scratch(t, SICK);
  const { healthy, findings } = JSON.parse((await command('doctor', '--root', root, '--json')).stdout);
  assert.equal(healthy, false);
  assert.deepEqual(
    findings.map((finding: { code: string; severity: string }) => [finding.code, finding.severity]),
    [
      ['HF-NSS-NO-DNS', 'problem'],
      ['HF-DHCLIENT-ABSENT', 'note'],
    ],
  );
  const quiet = await command('doctor', '--root', root, '--quiet');
  assert.deepEqual(quiet, { status: 2, stdout: '', stderr: 'HF-NSS-NO-DNS: /etc/nsswitch.conf:1: hosts: files\n' });
  assert.equal((await command('doctor', '--root', root, '--only', 'sysctl')).status, 0);
});

test('doctor command: errors of the configuration are listed by line, and all other checks still run', async (t) => {
  const root = scratch(t, { ...SICK, 'etc/holdfast/agent.yaml': 'dns: { nameservers: [10.0.0.300], serch: [a] }\n' });
  const { status, stdout } = await command('doctor', '--root', root);
  assert.equal(status, 2);
  assert.equal(stdout.match(/^✗ problem HF-CONFIG\n {2}\/etc\/holdfast\/agent\.yaml:1:/gm)?.length, 2);
  assert.match(stdout, /HF-NSS-NO-DNS/);
});

test('doctor command: control characters of a hostile file reach no terminal', async (t) => {
  const root = scratch(t, { ...HEALTHY, 'etc/nsswitch.conf': 'hosts: files \x1b[2J\x07\x9b\n' });
  const { stdout } = await command('doctor', '--root', root);
  assert.match(stdout, /hosts: files \\u001b\[2J\\u0007\\u009b$/m);
});

test('doctor command: a check that cannot look says so, and stops no other check', async (t) => {
  const root = scratch(t, { ...SICK, 'etc/sysctl.conf/a': '', 'etc/dhcp/dhclient.conf': 'nonsense here;\n' });
  const yaml = 'dns: { nameservers: [10.0.0.1] }\nsysctl: { net.ipv4.ip_forward: 1 }\n';
  const healthyFiles = scratch(t, { 'agent.yaml': yaml });
  const { stdout } = await command('doctor', '--root', root, '--config', `${healthyFiles}/agent.yaml`);
  assert.match(stdout, /note HF-UNSEEN\n {2}cannot read \/etc\/sysctl\.conf: it is a folder/);
  assert.match(stdout, /HF-CONF-SYNTAX/);
  assert.match(stdout, /HF-NSS-NO-DNS/);
});
