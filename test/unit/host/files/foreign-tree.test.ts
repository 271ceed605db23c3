/** The files of another process: nothing in a hostile container leads out of it, hangs the reader or fills its memory. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { ForeignTree } from '../../../../agent/host/files/foreign-tree.ts';
import { noNamespaces, scratch } from '../../../parts/scratch.ts';

const skip = noNamespaces('unshare', 'perl');
const LARGEST = 64 * 1024;

/** A process whose root folder is this folder. */
async function processIn(t: TestContext, root: string): Promise<number> {
  const child = spawn('perl', ['-e', 'chroot($ARGV[0]) or die; sleep 600', root], { stdio: 'ignore' });
  t.after(() => child.kill('SIGKILL'));
  while (statSync(`/proc/${child.pid}/root/`).ino !== statSync(root).ino) await pause(10);
  return child.pid!;
}

/** This process sees the mounts of the folder's file system, which the process in the chroot does not. */
const tree = async (t: TestContext, root: string) => new ForeignTree(await processIn(t, root), [process.pid]);

test('foreign tree: a file is read, through links as that process sees them', { skip }, async (t) => {
  const root = scratch(t, { 'etc/real': 'inside\n', 'run/x/resolv.conf': 'nameserver 10.0.0.1\n' });
  symlinkSync('../run/x/resolv.conf', join(root, 'etc/relative'));
  symlinkSync('/run/x/resolv.conf', join(root, 'etc/absolute'));
  symlinkSync('../../../../../run/x/resolv.conf', join(root, 'etc/upward'));
  const files = await tree(t, root);
  assert.equal(files.read('/etc/real', LARGEST)?.text, 'inside\n');
  for (const name of ['relative', 'absolute', 'upward'])
    assert.equal(files.read(`/etc/${name}`, LARGEST)?.text, 'nameserver 10.0.0.1\n', name);
  assert.deepEqual(files.list('/etc'), ['absolute', 'real', 'relative', 'upward']);
  assert.equal(files.read('/etc/none', LARGEST), null);
  assert.equal(files.read('/etc', LARGEST), null);
  assert.deepEqual(files.list('/none'), []);
});

test('foreign tree: no link leads to a file of this host', { skip }, async (t) => {
  const outside = scratch(t, { secret: 'outside' });
  const root = scratch(t, { 'etc/x': '' });
  symlinkSync(join(outside, 'secret'), join(root, 'etc/absolute'));
  symlinkSync(`${'../'.repeat(20)}${outside}/secret`, join(root, 'etc/upward'));
  symlinkSync('/etc/passwd', join(root, 'etc/passwd'));
  const files = await tree(t, root);
  assert.equal(files.read('/etc/absolute', LARGEST), null);
  assert.equal(files.read('/etc/upward', LARGEST), null);
  assert.throws(() => files.read('/etc/passwd', LARGEST), /ELOOP/);
});

test('foreign tree: a pipe, a device, a huge file, a circle and a remote file system are refused with the reason', {
  skip,
}, async (t) => {
  const root = scratch(t, { 'etc/x': '', 'huge/x': '' });
  execFileSync('mkfifo', [join(root, 'etc/pipe')]);
  execFileSync('mknod', [join(root, 'etc/zero'), 'c', '1', '5']);
  execFileSync('mknod', [join(root, 'etc/null'), 'c', '1', '3']);
  symlinkSync('circle', join(root, 'etc/circle'));
  truncateSync(join(root, 'huge/x'), 2 ** 40);
  symlinkSync('/huge/x', join(root, 'etc/huge'));
  const files = await tree(t, root);
  const refused = (path: string, why: RegExp) => assert.throws(() => files.read(path, LARGEST), why);
  refused('/etc/pipe', /named pipe/);
  refused('/etc/zero', /device/);
  refused('/etc/circle', /ELOOP/);
  refused('/etc/huge', /larger than 64 KiB/);
  assert.equal(files.read('/etc/null', LARGEST)?.text, '');
});

test('foreign tree: a file system that is not local is never asked, because it may not answer', {
  skip,
}, async (t) => {
  const root = scratch(t, { 'etc/x': '' });
  const script = `mount -t proc none ${root}/etc && exec sleep 600`;
  const child = spawn('unshare', ['--mount', 'sh', '-c', script], { stdio: 'ignore' });
  t.after(() => child.kill('SIGKILL'));
  const inside = `/proc/${child.pid}/root${root}/etc/`;
  while (statSync(inside).dev === statSync(`${root}/etc`).dev) await pause(10);
  const files = new ForeignTree(child.pid!);
  assert.throws(() => files.read(`${root}/etc/version`, LARGEST), /file system \(proc\) that may never answer/);
  writeFileSync(join(root, 'y'), 'beside');
  assert.equal(files.read(`${root}/y`, LARGEST)?.text, 'beside');
});

test('foreign tree: a process that has ended has no files', () => {
  assert.throws(() => new ForeignTree(2 ** 22 + 1), /mountinfo/);
});
