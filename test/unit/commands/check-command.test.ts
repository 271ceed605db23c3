/** `agent check`: files of any place, every error, no host. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { command } from '../../parts/command.ts';
import { scratch } from '../../parts/scratch.ts';

const GOOD = 'dns: { nameservers: [10.0.0.1] }\n';

test('check: valid files are named, and nothing else is said', async (t) => {
  const folder = scratch(t, { 'a.yaml': GOOD, 'b.yaml': 'report: { endpoint: "https://c.example" }\n' });
  const [a, b] = [join(folder, 'a.yaml'), join(folder, 'b.yaml')];
  assert.deepEqual(await command('check', a, b), { status: 0, stdout: `✓ ${a}\n✓ ${b}\n`, stderr: '' });
  assert.deepEqual(await command('check', '--quiet', a), { status: 0, stdout: '', stderr: '' });
  assert.deepEqual(JSON.parse((await command('check', '--json', a)).stdout), {
    valid: true,
    files: [{ file: a, valid: true, errors: [] }],
  });
});

test('check: every error of every file, with its place', async (t) => {
  const folder = scratch(t, {
    'a.yaml': 'dns: { nameservers: [x], domian: y }\n',
    'b.yaml': GOOD,
    'c.yaml': 'dns: [\n',
  });
  const files = ['a', 'b', 'c', 'none'].map((name) => join(folder, `${name}.yaml`));
  const { status, stdout, stderr } = await command('check', ...files);
  assert.deepEqual([status, stdout], [1, `✓ ${files[1]}\n`]);
  assert.match(stderr, /a\.yaml:1:22: .*"x" is not an IP address/);
  assert.match(stderr, /a\.yaml:1:26: .*unknown key; did you mean "domain"/);
  assert.match(stderr, /c\.yaml:\d/);
  assert.match(stderr, /none\.yaml: does not exist/);
  const report = JSON.parse((await command('check', '--json', ...files)).stdout);
  assert.deepEqual(
    report.files.map(({ valid }: { valid: boolean }) => valid),
    [false, true, false, false],
  );
  assert.equal(report.files[0].errors[0].line, 1);
});

test('check: drop-ins beside the file, or those of another folder, are merged in', async (t) => {
  const folder = scratch(t, {
    'x/a.yaml': GOOD,
    'x/agent.d/1.yaml': 'dns: { search: 5 }\n',
    'd/1.yaml': 'dns: { options: [rotat] }\n',
  });
  const file = join(folder, 'x/a.yaml');
  assert.match((await command('check', file)).stderr, /agent\.d\/1\.yaml:1:16: dns\.search/);
  const other = await command('check', file, '--drop-ins', join(folder, 'd'));
  assert.match(other.stderr, /1\.yaml:1:18: dns\.options\[0\]: "rotat"/);
  assert.equal((await command('check', file, '--drop-ins', join(folder, 'nowhere'))).status, 0);
});

test('check: a template that came out empty is told, unless that is meant', async (t) => {
  const folder = scratch(t, { 'a.yaml': '', 'b.yaml': 'dns: {}\n', 'c.yaml': 'hold: nothing\n' });
  for (const name of ['a', 'b']) {
    const { status, stderr } = await command('check', join(folder, `${name}.yaml`));
    assert.equal(status, 1, name);
    assert.match(stderr, /configures nothing: .*"hold: nothing" to hold nothing/);
  }
  assert.equal((await command('check', join(folder, 'c.yaml'))).status, 0);
});

test('check: --config is told that the file is an argument, and no help offers the option', async (t) => {
  const file = join(scratch(t, { 'a.yaml': GOOD }), 'a.yaml');
  const { status, stderr } = await command('check', '--config', file);
  assert.equal(status, 1);
  assert.ok(stderr.includes(`The file is an argument here: agent check ${file}\n`), stderr);
  assert.doesNotMatch((await command('check', '--help')).stdout, /--config/);
});
