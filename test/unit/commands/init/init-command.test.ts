/** `agent init` writes a configuration from the host's own files, to which `plan` has nothing to add. */
import assert from 'node:assert/strict';
import { readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { command, type Ran } from '../../../parts/command.ts';
import { scratch } from '../../../parts/scratch.ts';

const FILES = {
  'etc/resolv.conf': 'search dev.example.com example.com\nnameserver 10.34.56.78\noptions timeout:1\n',
  'etc/dhcp/dhclient.conf': `supersede ntp-servers 10.34.56.80;
supersede dhcp6.name-servers 2001:db8::1;
supersede host-name = concat("a", "b");
if option host-name = "x" { supersede time-servers 10.0.0.1; }
interface "eth1" { supersede interface-mtu 1400; }
include "/etc/dhcp/more";
`,
  'etc/dhcp/dhclient-eth2.conf': 'supersede ntp-servers 10.34.56.81;\n',
  'etc/sysctl.d/10-a.conf': 'net.ipv4.ip_forward = 0\nkernel.panic = 3\n',
  'etc/sysctl.d/20-b.conf': '-net.ipv4.ip_forward=1\nnet.ipv4.conf.*.rp_filter = 2\n',
};

test('init: what a folder has is taken over, and plan has nothing to say of its values', async (t) => {
  const root = scratch(t, FILES);
  const { status, stdout } = await command('init', '--root', root);
  assert.equal(status, 0);
  assert.match(stdout, /^Wrote \/etc\/holdfast\/agent\.yaml/);
  const yaml = readFileSync(join(root, 'etc/holdfast/agent.yaml'), 'utf8');
  for (const line of [
    '  search: [dev.example.com, example.com]',
    '  nameservers: [10.34.56.78]',
    '  options: [timeout:1]',
    '    ntp-servers: [10.34.56.80] # /etc/dhcp/dhclient.conf:1',
    '        interface-mtu: ["1400"] # /etc/dhcp/dhclient.conf:5',
    '        ntp-servers: [10.34.56.81] # /etc/dhcp/dhclient-eth2.conf:1',
    '  net.ipv4.ip_forward: 1 # /etc/sysctl.d/20-b.conf:1',
    '# /etc/dhcp/dhclient.conf:3: supersede "host-name": it is an expression',
    '# /etc/dhcp/dhclient.conf:4: supersede "time-servers": it depends on a condition',
    '# /etc/dhcp/dhclient.conf:6: include "/etc/dhcp/more": init does not read included files',
  ]) {
    assert.ok(yaml.split('\n').includes(line), `${line}\n--- not in\n${yaml}`);
  }
  assert.match(yaml, /# .*dhclient\.conf:2 supersedes dhcp6\.name-servers/);
  assert.match(yaml, /# not taken over from \/etc\/sysctl\.d\/20-b\.conf:2/);

  const plan = await command('plan', '--root', root, '--only', 'resolver', '--json');
  assert.equal(plan.status, 0, plan.stdout + plan.stderr);
});

test("init: RHEL's own dhclient.conf is taken over, too, and one with two names once", async (t) => {
  const root = scratch(t, {
    'etc/dhclient.conf': 'supersede ntp-servers 10.34.56.80;\n',
    'etc/dhcp/shared.conf': 'supersede interface-mtu 1400;\n',
  });
  symlinkSync('../dhclient.conf', join(root, 'etc/dhcp/dhclient.conf'));
  symlinkSync('shared.conf', join(root, 'etc/dhcp/dhclient-eth0.conf'));
  symlinkSync('dhcp/shared.conf', join(root, 'etc/dhclient-eth1.conf'));
  assert.equal((await command('init', '--root', root)).status, 0);
  const yaml = readFileSync(join(root, 'etc/holdfast/agent.yaml'), 'utf8');
  assert.equal(yaml.match(/ntp-servers: \[10\.34\.56\.80\]/g)?.length, 1, yaml);
  assert.match(yaml, /eth0:\n(.*\n)? +interface-mtu: \["1400"\] # \/etc\/dhcp\/dhclient-eth0\.conf:1/);
  assert.match(yaml, /interface-mtu: \["1400"\] # \/etc\/dhclient-eth1\.conf:1/);
});

test('init: the file is readable by all, whatever the umask', async (t) => {
  const root = scratch(t, FILES);
  const umask = process.umask(0o077);
  t.after(() => process.umask(umask));
  await command('init', '--root', root);
  assert.equal(statSync(join(root, 'etc/holdfast/agent.yaml')).mode & 0o777, 0o644);
});

test('init: search as dhclient-script writes it, with a final dot, is taken over without', async (t) => {
  const root = scratch(t, {
    'etc/resolv.conf': 'domain a.example\nsearch a.example. b.example.\nnameserver 10.0.0.1.\n',
  });
  const { stdout } = await command('init', '--root', root, '--output', '-');
  assert.match(stdout, /^ {2}search: \[a\.example, b\.example\]$/m);
  assert.match(stdout, /not taken over from \/etc\/resolv\.conf:3: "10\.0\.0\.1\."/);
});

test('init: a file that is there stays, with exit status 1, unless --force', async (t) => {
  const root = scratch(t, { ...FILES, 'etc/holdfast/agent.yaml': '# mine\n' });
  const file = join(root, 'etc/holdfast/agent.yaml');
  const refused = await command('init', '--root', root);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /exists already/);
  assert.equal(readFileSync(file, 'utf8'), '# mine\n');
  assert.equal((await command('init', '--root', root, '--force', '--quiet')).status, 0);
  assert.match(readFileSync(file, 'utf8'), /nameservers: \[10\.34\.56\.78\]/);
});

test('init: --output writes the named file, or only the text to standard output', async (t) => {
  const root = scratch(t, FILES);
  const file = join(root, 'own.yaml');
  const written = await command('init', '--root', root, '--output', file);
  assert.equal(written.status, 0);
  assert.ok(written.stdout.includes(`agent plan --config ${file}`));
  const printed = await command('init', '--root', root, '--output', '-');
  assert.equal(printed.stdout, readFileSync(file, 'utf8'));
  assert.throws(() => statSync(join(root, 'etc/holdfast')), { code: 'ENOENT' });
});

test('init: --json tells the file and the text', async (t) => {
  const root = scratch(t, FILES);
  const { file, configuration } = json(await command('init', '--root', root, '--json'));
  assert.equal(file, '/etc/holdfast/agent.yaml');
  assert.equal(configuration, readFileSync(join(root, 'etc/holdfast/agent.yaml'), 'utf8'));
  assert.match(json(await command('init', '--root', root, '--json')).error.message, /exists already/);
});

test('init: an empty folder, and files of rubbish, give a configuration that loads', async (t) => {
  const rubbish = '\0\xff\x1b[2J# \u202e"\n{{{ supersede ; nameserver $(reboot)\n=\n';
  for (const files of [
    {},
    Object.fromEntries(Object.keys(FILES).map((path) => [path, rubbish.replaceAll('\u202e', '\x85')])),
  ]) {
    const root = scratch(t, files);
    const written = await command('init', '--root', root);
    assert.equal(written.status, 0, written.stderr);
    const { status, stdout, stderr } = await command('status', '--root', root, '--json');
    assert.equal(status, 0, `${stdout}${stderr}`);
  }
});

function json({ stdout }: Ran) {
  return JSON.parse(stdout);
}

test('what init has no word for stands in comments with file and line, and errors of dhclient.conf too', async (t) => {
  const root = scratch(t, {
    'etc/resolv.conf': 'nameserver 10.34.56.78\n',
    'etc/dhcp/dhclient.conf': `timeout 60;
prepend domain-name-servers 127.0.0.1;
interface "eth0" {
  append domain-search "a.example";
  script "/usr/local/sbin/script";
}
default ntp-servers 10.0.0.1;
require subnet-mask,
  routers;
also require domain-name;
request subnet-mask, routers;
retry 5
`,
    'etc/dhcpcd.conf': `hostname
static domain_name_servers=10.0.0.53
interface eth1
static domain_name=example.com
static ip_address=10.0.0.5/24
nohook lookup-hostname resolv.conf
`,
  });
  const { status, stdout } = await command('init', '--root', root);
  assert.deepEqual([status, /^10 settings were not taken over;/m.test(stdout)], [0, true], stdout);
  const yaml = readFileSync(join(root, 'etc/holdfast/agent.yaml'), 'utf8');
  for (const line of [
    'dhcp/dhclient.conf:2: prepend domain-name-servers 127.0.0.1: it stays',
    'dhcp/dhclient.conf:4: append domain-search "a.example": it stays',
    'dhcp/dhclient.conf:5: script "/usr/local/sbin/script": it stays',
    'dhcp/dhclient.conf:7: default ntp-servers 10.0.0.1: it stays',
    'dhcp/dhclient.conf:8: require subnet-mask, routers: it stays',
    'dhcp/dhclient.conf:10: also require domain-name: it stays',
    'dhcp/dhclient.conf:12: semicolon expected: correct this first',
    'dhcpcd.conf:2: static domain_name_servers=10.0.0.53: it stays',
    'dhcpcd.conf:4: static domain_name=example.com for interface eth1: it stays',
    'dhcpcd.conf:6: nohook lookup-hostname resolv.conf for interface eth1: it stays',
  ])
    assert.ok(yaml.includes(`# /etc/${line}`), `${line}\n--- not in\n${yaml}`);
});

test('init: where the package has brought the service, it and status say how to start the daemon', async (t) => {
  const unit = { 'usr/lib/systemd/system/holdfast.service': '' };
  for (const [files, told] of [
    [unit, true],
    [{}, false],
  ] as const) {
    const root = scratch(t, { 'etc/resolv.conf': 'nameserver 10.0.0.53\n', ...files });
    const { stdout } = await command('init', '--root', root, '--live', '--only', 'resolver');
    assert.equal(stdout.includes('  systemctl start holdfast  '), told, stdout);
    const status = await command('status', '--root', root, '--live', '--only', 'resolver');
    assert.ok(status.stdout.includes(`No daemon runs here (\`${told ? 'systemctl start holdfast' : 'agent run'}\`)`));
  }
});
