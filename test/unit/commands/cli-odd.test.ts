/** What operators and their scripts do to the command line, meant or not. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { decoded, shown } from '../../../agent/commands/output/output.ts';
import { KnownFiles } from '../../../agent/hold/files/verified-files.ts';
import { command } from '../../parts/command.ts';
import { hiddenFromOthers, REPOSITORY } from '../../parts/repository.ts';
import { missing, scratch } from '../../parts/scratch.ts';

const AGENT = join(REPOSITORY, 'agent/cli.ts');
const notRoot = process.getuid?.() === 0 ? false : 'needs root, to be somebody else';

function image(t: TestContext): string {
  return scratch(t, {
    'etc/holdfast/agent.yaml': 'dns:\n  nameservers: [10.34.56.78]\n',
    'etc/resolv.conf': 'nameserver 9.9.9.9\n',
  });
}

test('cli: with --json wrong usage, too, is one JSON document and nothing else', async () => {
  for (const args of [
    ['aply', '--json'],
    ['plan', '--json', '--nothing'],
    ['plan', '--only', 'x', '--json'],
    ['plan', '--json', 'x'],
    ['plan', '--json', '--root'],
  ]) {
    const { status, stdout, stderr } = await command(...args);
    assert.deepEqual([status, stderr], [1, ''], args.join(' '));
    assert.match(JSON.parse(stdout).error.message, /^error: /, args.join(' '));
  }
});

test("--root must be a folder: a script's unset variable does not mean the one that it stands in", async (t) => {
  const root = image(t);
  for (const wrong of ['', join(root, 'nowhere'), join(root, 'etc/resolv.conf')]) {
    const { status, stderr } = await command('apply', '--root', wrong);
    assert.equal(status, 1, wrong);
    assert.match(stderr, /There is no such folder/, wrong);
  }
});

test('cli: the configuration and the root may be named from here', { skip: missing('flock') }, (t) => {
  const root = image(t);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [AGENT, 'apply', '--json', '--root', '.', '--config', 'etc/../etc/holdfast/agent.yaml'],
    { cwd: root, encoding: 'utf8' },
  );
  assert.equal(status, 0, stderr);
  assert.deepEqual(
    JSON.parse(stdout).outcomes.map(({ key }: { key: string }) => key),
    ['/etc/resolv.conf'],
  );
  assert.equal(readFileSync(join(root, 'etc/resolv.conf'), 'utf8'), 'nameserver 10.34.56.78\n');
});

test('cli: a diff shows UTF-8 as it is, and nothing that a terminal would act on', async (t) => {
  const root = image(t);
  writeFileSync(join(root, 'etc/resolv.conf'), '# Zürich \u001b[2J\tx\u202e\nnameserver 9.9.9.9\n');
  const { stdout } = await command('plan', '--root', root);
  assert.match(stdout, /^ # Zürich \\u001b\[2J\tx\\u202e$/m);
  const [finding] = JSON.parse((await command('plan', '--json', '--root', root)).stdout).findings;
  assert.ok(finding.actual.startsWith('# Zürich \u001b[2J\tx'));
  assert.match(finding.diff, /^ # Zürich /m);
  // Not UTF-8: no byte of it is guessed.
  writeFileSync(join(root, 'etc/resolv.conf'), Buffer.from('# Z\xfcrich\n', 'latin1'));
  assert.match((await command('plan', '--root', root)).stdout, /^ # Zürich$/m);
});

test('cli: --json has no colours, on a terminal either', { skip: missing('script') }, (t) => {
  const root = image(t);
  const onTerminal = (options: string) => {
    const { TERM: _, NO_COLOR: __, ...env } = process.env;
    return spawnSync('script', ['-qec', `${process.execPath} ${AGENT} plan ${options} --root ${root}`, '/dev/null'], {
      encoding: 'utf8',
      env: { ...env, TERM: 'xterm' },
    }).stdout;
  };
  assert.match(onTerminal(''), /\u001b\[/);
  assert.doesNotMatch(onTerminal('--no-color'), /\u001b\[/);
  assert.doesNotMatch(JSON.parse(onTerminal('--json')).findings[0].diff, /\u001b/);
});

test('cli: plan --quiet tells what apply would refuse', async (t) => {
  const root = image(t);
  mkdirSync(join(root, 'etc/sysctl.d/60-holdfast.conf'), { recursive: true });
  const { status, stdout, stderr } = await command('plan', '--quiet', '--root', root);
  assert.deepEqual([status, stdout], [2, '']);
  assert.match(stderr, /^\/etc\/sysctl\.d\/60-holdfast\.conf: cannot read .*: it is a folder \(EISDIR\)\n$/);
});

test('cli: where nobody can be told, the exit status is not that of bad usage', (t) => {
  const full = openSync('/dev/full', 'w');
  t.after(() => closeSync(full));
  for (const option of ['--json', '--no-color']) {
    const { status } = spawnSync(process.execPath, [AGENT, 'plan', option, '--root', image(t)], {
      stdio: ['ignore', full, full],
    });
    assert.equal(status, 4, option);
  }
});

test('cli: a full stdout is named on stderr, whatever was asked for', (t) => {
  const full = openSync('/dev/full', 'w');
  t.after(() => closeSync(full));
  for (const args of [
    ['--help'],
    ['schema'],
    ['plan', '--help'],
    ['status', '--root', image(t)],
    ['plan', '--json', '--root', image(t)],
  ]) {
    const { status, stderr } = spawnSync(process.execPath, [AGENT, ...args], {
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    });
    assert.deepEqual(
      [status, stderr],
      [4, 'cannot write to stdout: no space is left on its file system (ENOSPC)\n'],
      args.join(' '),
    );
  }
});

test('cli: a revert with nothing to put back says so', async (t) => {
  const { status, stdout } = await command('revert', '--root', image(t));
  assert.equal(status, 0);
  assert.match(stdout, /^Nothing to put back/);
});

test('cli: what was kept of files and is damaged counts for nothing', () => {
  for (const text of [
    '',
    'null',
    '5',
    '{"identity":"x","files":5}',
    '{"identity":"x","files":[5]}',
    '{"identity":"x"',
  ]) {
    assert.equal(new KnownFiles('x', text).has('/etc/f', ''), false, text);
  }
});

test('cli: what is no text of a file is shown as it is', () => {
  for (const text of ['ours – not theirs', 'a’b', '']) assert.equal(shown(text), text);
  assert.equal(decoded('Z\u00c3\u00bcrich'), 'Zürich');
});

test('cli: status says once what is true of several settings and moments', async (t) => {
  const root = image(t);
  writeFileSync(join(root, 'etc/holdfast/agent.yaml'), 'dns:\n  search: [a.example]\n  options: [rotate]\n');
  const { stdout } = await command('status', '--root', root);
  assert.match(stdout, /^ {2}dns\.search, dns\.options \(now, boot\): is not set$/m);
  assert.equal(stdout.match(/is not set/g)?.length, 1);
  assert.match(stdout, /`agent plan` shows/);
});

test('cli: an ordinary user may run plan and status after an apply', {
  skip: missing('flock', 'setpriv') || notRoot || hiddenFromOthers,
}, async (t) => {
  const root = image(t);
  mkdirSync(join(root, 'etc/dhcp/dhclient-enter-hooks.d'), { recursive: true });
  writeFileSync(join(root, 'etc/dhcp/dhclient.conf'), 'timeout 60;\n');
  chmodSync(root, 0o755);
  assert.equal((await command('apply', '--root', root)).status, 0);
  for (const name of ['plan', 'status']) {
    const { status, stdout, stderr } = spawnSync(
      'setpriv',
      ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, AGENT, name, '--json', '--root', root],
      { encoding: 'utf8', cwd: '/' },
    );
    assert.equal(status, 0, stderr);
    assert.doesNotMatch(stdout, /EACCES/, name);
    assert.match(stdout, /"state": "ok"/);
  }
});
