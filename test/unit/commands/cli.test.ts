/** The command line: exit statuses, --json, --quiet, and messages about a bad configuration. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { BIRD_SOCKETS } from '../../../agent/host/routing-daemons/bird.ts';
import { ZEBRA_SOCKET } from '../../../agent/host/routing-daemons/zebra.ts';
import { command } from '../../parts/command.ts';
import { REPOSITORY } from '../../parts/repository.ts';
import { fill, missing, scratch } from '../../parts/scratch.ts';

const COMMANDS = ['plan', 'apply', 'status', 'doctor', 'revert', 'init', 'probe', 'check', 'schema'];
const skip = missing('flock');

function image(
  t: TestContext,
  configuration = 'dns:\n  nameservers: [10.34.56.78]\nsysctl:\n  net.ipv4.ip_forward: 1\n',
): string {
  return scratch(t, {
    'etc/holdfast/agent.yaml': configuration,
    'etc/resolv.conf': 'nameserver 9.9.9.9\n',
    'etc/dhcp/dhclient.conf': 'timeout 60;\n',
    'etc/dhcp/dhclient-enter-hooks.d/debug': ':\n',
  });
}

test('cli: the exit status says what there was to do, and what was done', { skip }, async (t) => {
  const root = image(t);
  const status = async (...args: string[]) => (await command(...args, '--root', root)).status;
  assert.equal(await status('plan'), 2);
  assert.equal(await status('apply', '--detailed-exitcodes'), 2);
  assert.equal(await status('plan'), 0);
  assert.equal(await status('apply', '--detailed-exitcodes'), 0);
  assert.equal(await status('apply'), 0);
  assert.equal(await status('status'), 0);
  assert.equal(await status('revert'), 0);
  assert.equal(await status('revert'), 0);
  assert.equal(readFileSync(join(root, 'etc/resolv.conf'), 'utf8'), 'nameserver 9.9.9.9\n');

  rmSync(join(root, 'etc/resolv.conf'));
  mkdirSync(join(root, 'etc/resolv.conf'));
  assert.equal(await status('plan'), 2);
  assert.equal(await status('apply', '--detailed-exitcodes'), 6);
  assert.equal(await status('apply', '--detailed-exitcodes'), 4);
  assert.equal(await status('apply'), 4);
});

test('cli: a bad configuration gives exit 1 and every error with its place, and nothing is touched', async (t) => {
  const root = image(t, 'dns:\n  nameservers: [10.0.0.300]\nsysctls: {}\n');
  const before = readFileSync(join(root, 'etc/resolv.conf'), 'utf8');
  for (const name of ['plan', 'apply', 'status']) {
    const { status, stdout, stderr } = await command(name, '--root', root);
    assert.deepEqual([status, stdout], [1, ''], name);
    assert.match(stderr, /agent\.yaml:2:\d+: .*10\.0\.0\.300/);
    assert.match(stderr, /agent\.yaml:3:1: .*sysctl/);
  }
  assert.equal(readFileSync(join(root, 'etc/resolv.conf'), 'utf8'), before);
  assert.equal((await command('apply', '--root', join(root, 'nowhere'))).status, 1);
});

test('cli: with --json stdout is one JSON document, and stderr is empty, whatever happens', { skip }, async (t) => {
  const root = image(t);
  const bad = image(t, 'dns: nonsense\n');
  for (const [folder, names] of [
    [root, ['plan', 'apply', 'status', 'doctor', 'revert', 'revert']],
    [bad, ['plan', 'apply', 'status', 'doctor']],
  ] as const) {
    for (const name of names) {
      const { stdout, stderr } = await command(name, '--json', '--root', folder);
      assert.equal(stderr, '', name);
      assert.equal(typeof JSON.parse(stdout), 'object', name);
    }
  }
  const { error } = JSON.parse((await command('plan', '--json', '--root', bad)).stdout);
  assert.match(error.message, /agent\.yaml:1:6/);
  assert.equal(error.errors.length, 1);

  rmSync(join(root, 'etc/resolv.conf'));
  mkdirSync(join(root, 'etc/resolv.conf'));
  const applied = JSON.parse((await command('apply', '--json', '--root', root)).stdout);
  assert.deepEqual([applied.changed, applied.failed], [true, true]);
  const failed = applied.outcomes.filter(({ result }: { result: string }) => result === 'failed');
  assert.match(failed[0].reason, /it is a folder \(EISDIR\)/);
});

test('cli: --quiet prints nothing but failures', { skip }, async (t) => {
  const root = image(t);
  for (const name of ['plan', 'apply', 'apply', 'status', 'revert']) {
    const { stdout, stderr } = await command(name, '--quiet', '--root', root);
    assert.deepEqual([stdout, stderr], ['', ''], name);
  }
  rmSync(join(root, 'etc/resolv.conf'));
  mkdirSync(join(root, 'etc/resolv.conf'));
  const { stdout, stderr } = await command('apply', '--quiet', '--root', root);
  assert.equal(stdout, '');
  assert.match(stderr, /^✗ +resolver .*resolv\.conf: it is a folder/);
  assert.equal(stderr.trimEnd().split('\n').length, 1);
});

test('cli: --only leaves the other resources alone; a name that is none is an error', { skip }, async (t) => {
  const root = image(t);
  await command('apply', '--only', 'resolver', '--root', root);
  assert.equal(readFileSync(join(root, 'etc/resolv.conf'), 'utf8'), 'nameserver 10.34.56.78\n');
  assert.equal(readFileSync(join(root, 'etc/dhcp/dhclient.conf'), 'utf8'), 'timeout 60;\n');
  for (const words of [['resolver', 'sysctl'], ['resolver,sysctl'], ['sysctl,', 'resolver'], ['sysctl resolver']]) {
    const { stdout } = await command('plan', '--only', ...words, '--json', '--root', root);
    const resources = JSON.parse(stdout).findings.map(({ resource }: { resource: string }) => resource);
    assert.deepEqual([...new Set(resources)], ['resolver', 'sysctl'], words.join(' '));
  }
  for (const wrong of ['resolvers', 'sysctl,resolvers', 'resolver;sysctl', '', ',']) {
    const { status, stderr } = await command('plan', '--only', wrong, '--root', root);
    assert.equal(status, 1, wrong);
    assert.match(stderr, /" is none of hooks, dhcpcd, .*resolver, .*dhclient, .*sysctl/, wrong);
  }
});

test('cli: wrong usage gives exit 1, and stderr names the way to help', async () => {
  for (const args of [['aply'], ['apply', '--jsn'], ['apply', 'x'], ['plan', '--root'], ['--nothing'], []]) {
    const { status, stdout, stderr } = await command(...args);
    assert.equal(status, 1, args.join(' '));
    assert.equal(stdout, '', args.join(' '));
    assert.match(stderr, /--help|Usage: agent/, args.join(' '));
  }
});

test('cli: every command has help with an example', async () => {
  const { status, stdout } = await command('--help');
  assert.equal(status, 0);
  for (const name of COMMANDS) assert.match(stdout, new RegExp(`^  ${name}\\b`, 'm'));
  for (const name of COMMANDS) {
    const help = await command(name, '--help');
    assert.equal(help.status, 0, name);
    assert.match(help.stdout, new RegExp(`^Examples?:\\n  .*agent ${name}`, 'm'));
  }
});

test('cli: the help of an option says all that it does', async () => {
  const help = async (...args: string[]) => (await command(...args, '--help')).stdout.replace(/\s+/g, ' ');
  const apply = await help('apply');
  assert.match(apply, /2 changed, 4 failed, 6 both; and 8: the host waits for its wave/);
  assert.match(apply, /without a trial and without waiting for a wave/);
  const collector = await help('collector');
  assert.match(collector, /may also change the expected hosts, retire a host, and stop a rollout or let it go on/);
  assert.match(collector, /numbers, which include the hosts of earlier waves, .* the last is 100%/);
  assert.match(await help('rehearse', 'lease'), /router advertisements with dhcpcd, systemd-networkd and NetworkMan/);
});

const routers = [ZEBRA_SOCKET, ...BIRD_SOCKETS].filter((path) => existsSync(path));

test('cli: without a routing daemon, no numbers of routes are compared', { skip: routers.length > 0 }, async () => {
  const { status, stdout } = await command('probe', 'route-agreement', '--list');
  assert.deepEqual([status, stdout], [0, 'No FRR or BIRD runs here (no control socket).\n']);
});

test('cli: colours on a terminal, and none by NO_COLOR or --no-color', { skip: missing('script') }, (t) => {
  const root = image(t);
  const onTerminal = (args: string, env: Record<string, string> = {}) =>
    execFileSync(
      'script',
      ['-qec', `${process.execPath} ${REPOSITORY}/agent/cli.ts ${args} --root ${root} || :`, '/dev/null'],
      {
        env: { PATH: process.env.PATH, TERM: 'xterm-256color', ...env },
        encoding: 'utf8',
      },
    );
  assert.match(onTerminal('plan'), /\x1b\[3[12]m/);
  assert.doesNotMatch(onTerminal('plan', { NO_COLOR: '1' }), /\x1b/);
  assert.doesNotMatch(onTerminal('plan --no-color'), /\x1b/);
  assert.doesNotMatch(onTerminal('--no-color plan'), /\x1b/);
});

test('cli: with --root nothing outside that folder is opened for writing, made, renamed or removed', {
  skip: skip || missing('strace'),
}, (t) => {
  const root = image(t);
  const calls =
    'openat,open,creat,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,symlink,symlinkat,link,linkat,truncate,chmod,fchmodat,chown,fchownat,lchown,mknod,mknodat';
  const names = calls
    .split(',')
    .map((call) => `?${call}`)
    .join(',');
  let written = 0;
  for (const name of ['plan', 'apply', 'apply', 'status', 'doctor', 'revert']) {
    const trace = join(scratch(t), 'trace');
    const ran = spawnSync(
      'strace',
      [
        '-f',
        '-qq',
        '-y',
        '-s',
        '4096',
        '-e',
        `trace=${names}`,
        '-o',
        trace,
        process.execPath,
        `${REPOSITORY}/agent/cli.ts`,
        name,
        '--root',
        root,
      ],
      { encoding: 'utf8' },
    );
    assert.ok(ran.status !== null && ran.status <= 2, ran.stderr);
    const writing = readFileSync(trace, 'utf8')
      .split('\n')
      .filter((line) => / = -?\d/.test(line) && !/ (open|openat)\(.*O_RDONLY/.test(line) && /\w+\(/.test(line));
    const paths = writing.flatMap((line) => [...line.matchAll(/"(\/[^"]*)"/g)].map(([, path]) => path!));
    const outside = paths.filter((path) => !path.startsWith(`${root}/`) && !/^\/dev\/(null|tty)$/.test(path));
    assert.deepEqual(outside, [], name);
    if (name === 'plan' || name === 'status' || name === 'doctor')
      assert.deepEqual(
        paths.filter((path) => path.startsWith(root)),
        [],
        `${name} only looks`,
      );
    written += paths.length;
  }
  assert.ok(written > 20, 'the trace was read');
});

test('cli: a --root that holds links to the machine is not led out of', { skip }, async (t) => {
  const outside = scratch(t, { 'resolv.conf': 'outside\n', 'dhcp/dhclient.conf': 'outside\n' });
  const root = image(t);
  rmSync(join(root, 'etc/resolv.conf'));
  rmSync(join(root, 'etc/dhcp'), { recursive: true });
  execFileSync('ln', ['-s', `${outside}/resolv.conf`, `${outside}/dhcp`, join(root, 'etc')]);
  await command('apply', '--root', root);
  await command('revert', '--root', root);
  assert.equal(readFileSync(join(outside, 'resolv.conf'), 'utf8'), 'outside\n');
  assert.equal(readFileSync(join(outside, 'dhcp/dhclient.conf'), 'utf8'), 'outside\n');
});

test('cli: a configuration named by --config, and drop-ins beside it', { skip }, async (t) => {
  const root = image(t);
  const other = scratch(t, { 'my.yaml': 'dns:\n  nameservers: [10.0.0.1]\n' });
  fill(other, { 'agent.d/50.yaml': 'dns:\n  nameservers: [10.0.0.2]\n' });
  await command('apply', '--root', root, '--config', join(other, 'my.yaml'));
  assert.equal(readFileSync(join(root, 'etc/resolv.conf'), 'utf8'), 'nameserver 10.0.0.2\n');
});
