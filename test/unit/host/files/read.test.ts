/** Only regular files are read: no pipe, device or endless file. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { lstatSync, symlinkSync, truncateSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { replaceFile } from '../../../../agent/host/files/atomic.ts';
import { Host } from '../../../../agent/host/host.ts';
import { REPOSITORY } from '../../../parts/repository.ts';
import { nodeCommand, noNamespaces, privately, scratch } from '../../../parts/scratch.ts';

test('host reads: a named pipe is refused, not waited for', (t) => {
  const folder = scratch(t);
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  // In a process of its own, because a process that waits for a writer waits for ever.
  const code = `
    import { Host } from ${JSON.stringify(`${REPOSITORY}/agent/host/host.ts`)};
    try { new Host().read(${JSON.stringify(join(folder, 'pipe'))}); } catch (error) { console.log(error.message); }`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    timeout: 20_000,
    encoding: 'utf8',
  });
  assert.match(stdout, /^cannot read \/.*\/pipe: it is a named pipe, and a regular file belongs there \(EFTYPE\)\n$/);
});

test('host writes: only a regular file is replaced, because a replaced device is lost to the whole host', (t) => {
  const folder = scratch(t);
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  assert.throws(() => replaceFile(join(folder, 'pipe'), Buffer.from('new\n')), {
    message: `cannot write ${folder}/pipe: it is a named pipe, and a regular file belongs there (EFTYPE)`,
  });
  assert.ok(lstatSync(join(folder, 'pipe')).isFIFO());
});

test('host reads: a link to /dev/null reads as empty', (t) => {
  const folder = scratch(t);
  symlinkSync('/dev/null', join(folder, 'masked'));
  assert.equal(new Host().readText(join(folder, 'masked')), '');
});

test('host reads: another device is not read', (t) => {
  const folder = scratch(t);
  symlinkSync('/dev/zero', join(folder, 'zero'));
  assert.throws(() => new Host().read(join(folder, 'zero')), { code: 'EFTYPE' });
});

test('host reads: a file larger than any that belongs there is not read', (t) => {
  const folder = scratch(t, { f: '' });
  truncateSync(join(folder, 'f'), 16 * 1024 * 1024);
  assert.equal(new Host().read(join(folder, 'f'))?.length, 16 * 1024 * 1024);
  truncateSync(join(folder, 'f'), 16 * 1024 * 1024 + 1);
  assert.throws(() => new Host().read(join(folder, 'f')), { message: /it is larger than 16 MiB \(EFBIG\)/ });
});

test("host reads: the kernel's own files, whose size is 0, are read whole", () => {
  assert.match(new Host().readText('/proc/self/mountinfo') ?? '', / \/ .*\n/);
});

test('host reads: the root folder may be a relative path', (t) => {
  const folder = scratch(t, { 'etc/f': 'text' });
  symlinkSync('f', join(folder, 'etc/link'));
  const here = process.cwd();
  t.after(() => process.chdir(here));
  for (const [from, root] of [
    [folder, '.'],
    [join(folder, 'etc'), '..'],
    [here, relative(here, folder)],
    [here, `${folder}/`],
  ] as const) {
    process.chdir(from);
    const host = new Host({ root });
    assert.equal(host.target('/etc/link'), '/etc/f', root);
    assert.equal(host.readText('/etc/link'), 'text', root);
    assert.equal(host.live, false);
  }
});

test('host reads: links that go round in a circle lead to nothing', (t) => {
  const folder = scratch(t);
  symlinkSync('loop', join(folder, 'loop'));
  assert.equal(new Host().stat(join(folder, 'loop')), null);
  assert.equal(new Host({ root: folder }).stat('/loop'), null);
});

test('host writes: if a folder cannot be made, the error has the true reason', { skip: noNamespaces() }, () => {
  const { stdout } = privately(
    `mount -t tmpfs -o ro none /mnt\n${nodeCommand(`
      import { Host } from ${JSON.stringify(`${REPOSITORY}/agent/host/host.ts`)};
      try { new Host().makeFolder('/mnt/a/b', 0o755); } catch (error) { console.log(error.message); }`)}`,
  );
  assert.equal(stdout, 'cannot make the folder /mnt/a/b: its file system is read-only (EROFS)\n');
});
