/** A file is replaced atomically, and keeps its mode, owner and attributes. */
import assert from 'node:assert/strict';
import childProcess, { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import type { HostError } from '../../../../agent/host/errors.ts';
import { removeFile, replaceFile, replaceOwnFile, replaceWithLink } from '../../../../agent/host/files/atomic.ts';
import { REPOSITORY } from '../../../parts/repository.ts';
import { missing, nodeCommand, noNamespaces, privately, scratch } from '../../../parts/scratch.ts';

const notRoot = process.getuid?.() === 0 ? false : 'needs root, to give a file away';
const ATOMIC = `${REPOSITORY}/agent/host/files/atomic.ts`;

/** The result of a replacement in a namespace of its own. */
interface Attempt {
  readonly atomic?: boolean;
  readonly code?: string;
  readonly message?: string;
  readonly text: string | null;
  readonly folder: string[];
}

/** Prepares a folder /mnt/d with a file `f` by a shell script, replaces `f` there, and says what became of it. */
function attempt(prepare: string, content: string): Attempt {
  const code = `
    import { readdirSync, readFileSync } from 'node:fs';
    import { replaceFile } from ${JSON.stringify(ATOMIC)};
    let found;
    try { found = replaceFile('/mnt/d/f', Buffer.from(${content})); }
    catch (error) { found = { code: error.code, message: error.message }; }
    const text = readFileSync('/mnt/d/f', 'utf8');
    console.log(JSON.stringify({ ...found, text: text.length > 99 ? text.length + ' bytes' : text, folder: readdirSync('/mnt/d').sort() }));`;
  const { status, stdout, stderr } = privately(
    `set -e\nmount -t tmpfs none /mnt\nmkdir /mnt/d\n${prepare}\n${nodeCommand(code)}`,
  );
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

test('atomic replace: a new file gets the mode that was asked for, whatever the umask', (t) => {
  const folder = scratch(t);
  const umask = process.umask(0o077);
  t.after(() => process.umask(umask));
  assert.deepEqual(replaceFile(join(folder, 'f'), Buffer.from('new\n'), 0o755), { atomic: true });
  assert.equal(readFileSync(join(folder, 'f'), 'utf8'), 'new\n');
  assert.equal(statSync(join(folder, 'f')).mode & 0o7777, 0o755);
  assert.deepEqual(readdirSync(folder), ['f']);
});

test('atomic replace: mode and owner of the old file are kept, and it is another file', { skip: notRoot }, (t) => {
  const folder = scratch(t, { f: 'old\n' });
  const file = join(folder, 'f');
  chownSync(file, 12, 34);
  chmodSync(file, 0o4640);
  const old = statSync(file);
  replaceFile(file, Buffer.from('new\n'), 0o755);
  const { uid, gid, mode, ino } = statSync(file);
  assert.deepEqual({ uid, gid, mode: mode & 0o7777 }, { uid: 12, gid: 34, mode: 0o4640 });
  assert.notEqual(ino, old.ino);
  assert.equal(readFileSync(file, 'utf8'), 'new\n');
});

test('atomic replace: extended attributes and ACL are kept', { skip: missing('setfattr') || notRoot }, (t) => {
  const folder = scratch(t, { f: 'old\n' });
  const file = join(folder, 'f');
  try {
    execFileSync('setfattr', ['-n', 'user.holdfast', '-v', 'a label', file], { stdio: 'ignore' });
    execFileSync('setfattr', ['-n', 'trusted.holdfast', '-v', 'another', file], { stdio: 'ignore' });
  } catch {
    t.skip('this file system has no extended attributes');
    return;
  }
  replaceFile(file, Buffer.from('new\n'));
  const kept = execFileSync('getfattr', ['--absolute-names', '-d', '-m', '-', file], { encoding: 'utf8' });
  assert.match(kept, /user\.holdfast="a label"/);
  assert.match(kept, /trusted\.holdfast="another"/);
});

test('atomic replace: a file of our own is replaced whole, with its own mode, and without a process', (t) => {
  const folder = scratch(t, { f: 'old\n', '.f.holdfast': 'half of' });
  const file = join(folder, 'f');
  const started = t.mock.method(childProcess, 'spawnSync');
  syncBuiltinESMExports();
  t.after(() => {
    started.mock.restore();
    syncBuiltinESMExports();
  });
  replaceFile(file, Buffer.from('new\n'));
  assert.equal(started.mock.callCount(), 1, 'what any other file takes');
  const old = statSync(file);
  replaceOwnFile(file, Buffer.from('newer\n'), 0o600);
  assert.equal(started.mock.callCount(), 1);
  assert.equal(readFileSync(file, 'utf8'), 'newer\n');
  const { mode, ino } = statSync(file);
  assert.equal(mode & 0o7777, 0o600);
  assert.notEqual(ino, old.ino);
  assert.deepEqual(readdirSync(folder), ['f']);
  assert.throws(() => replaceOwnFile(join(folder, 'no/f'), Buffer.from(''), 0o600), { code: 'ENOENT' });
});

test('atomic replace: the other names of a hard-linked file keep the old text', (t) => {
  const folder = scratch(t, { f: 'old\n' });
  linkSync(join(folder, 'f'), join(folder, 'backup'));
  replaceFile(join(folder, 'f'), Buffer.from('new\n'));
  assert.equal(readFileSync(join(folder, 'backup'), 'utf8'), 'old\n');
});

test('atomic replace: leftovers of a killed process are removed, also a link planted in their place', (t) => {
  const folder = scratch(t, { f: 'old\n', '.f.holdfast': 'half of', victim: 'mine\n' });
  replaceFile(join(folder, 'f'), Buffer.from('new\n'));
  assert.deepEqual(readdirSync(folder).sort(), ['f', 'victim']);

  symlinkSync(join(folder, 'victim'), join(folder, '.f.holdfast'));
  replaceFile(join(folder, 'f'), Buffer.from('newer\n'));
  assert.equal(readFileSync(join(folder, 'victim'), 'utf8'), 'mine\n');
  assert.deepEqual(readdirSync(folder).sort(), ['f', 'victim']);
});

test('atomic replace: a symbolic link is replaced, its target stays', (t) => {
  const folder = scratch(t, { target: 'theirs\n' });
  symlinkSync('target', join(folder, 'f'));
  replaceFile(join(folder, 'f'), Buffer.from('ours\n'));
  assert.ok(lstatSync(join(folder, 'f')).isFile());
  assert.equal(readFileSync(join(folder, 'target'), 'utf8'), 'theirs\n');
});

test('atomic replace: a folder in the place of the file is an error, and stays', (t) => {
  const folder = scratch(t, { 'f/inside': 'x' });
  assert.throws(() => replaceFile(join(folder, 'f'), Buffer.from('new\n')), { code: 'EISDIR', name: 'HostError' });
  assert.deepEqual(readdirSync(folder), ['f']);
});

test('atomic replace: a missing folder is an error that names the file', (t) => {
  const file = join(scratch(t), 'no', 'f');
  assert.throws(
    () => replaceFile(file, Buffer.from('new\n')),
    (error: HostError) => error.code === 'ENOENT' && error.message.includes(file),
  );
});

test('atomic replace: a link replaces a file, and another link, atomically', (t) => {
  const folder = scratch(t, { f: 'old\n', '.f.holdfast': 'half of' });
  replaceWithLink(join(folder, 'f'), '../run/x');
  replaceWithLink(join(folder, 'f'), '../run/y');
  assert.equal(readlinkSync(join(folder, 'f')), '../run/y');
  assert.deepEqual(readdirSync(folder), ['f']);
});

test('atomic replace: removing a missing file is no error, and removing a folder is one', (t) => {
  const folder = scratch(t, { f: 'old\n' });
  removeFile(join(folder, 'f'));
  removeFile(join(folder, 'f'));
  assert.deepEqual(readdirSync(folder), []);
  mkdirSync(join(folder, 'd'));
  assert.throws(() => removeFile(join(folder, 'd')), { name: 'HostError' });
});

test('atomic replace: on a full disk the old file stays whole, and no temporary file is left', {
  skip: noNamespaces(),
}, () => {
  const found = attempt(
    'mount -t tmpfs -o size=64k none /mnt/d; echo old >/mnt/d/f; head -c 40000 /dev/zero >/mnt/d/z',
    `'x'.repeat(30000)`,
  );
  assert.equal(found.code, 'ENOSPC');
  assert.match(found.message!, /cannot write \/mnt\/d\/f: no space is left/);
  assert.deepEqual([found.text, found.folder], ['old\n', ['f', 'z']]);
});

test('atomic replace: a full disk where not even an empty file can be made', { skip: noNamespaces() }, () => {
  const found = attempt('mount -t tmpfs -o nr_inodes=2 none /mnt/d; echo old >/mnt/d/f', `'new'`);
  assert.deepEqual([found.code, found.text, found.folder], ['ENOSPC', 'old\n', ['f']]);
});

test('atomic replace: on a read-only file system the old file stays whole', { skip: noNamespaces() }, () => {
  const found = attempt('mount -t tmpfs none /mnt/d; echo old >/mnt/d/f; mount -o remount,ro /mnt/d', `'new'`);
  assert.match(found.message!, /its file system is read-only \(EROFS\)/);
  assert.deepEqual([found.text, found.folder], ['old\n', ['f']]);
});

test('atomic replace: an immutable file stays whole, and no temporary file is left', {
  skip: noNamespaces('chattr'),
}, (t) => {
  const folder = scratch(t, { f: 'old\n' });
  const file = join(folder, 'f');
  try {
    execFileSync('chattr', ['+i', file], { stdio: 'ignore' });
  } catch {
    t.skip('this file system knows no immutable files');
    return;
  }
  try {
    assert.throws(() => replaceFile(file, Buffer.from('new\n')), /immutable.*\(EPERM\)/);
    assert.equal(readFileSync(file, 'utf8'), 'old\n');
    assert.deepEqual(readdirSync(folder), ['f']);
  } finally {
    execFileSync('chattr', ['-i', file]);
  }
});

test('atomic replace: a mount point is written in place, and the result says that this is not atomic', {
  skip: noNamespaces(),
}, () => {
  for (const content of [`'new\\n'`, `'new, and longer than what was there\\n'`, `''`]) {
    const found = attempt('echo older >/mnt/other; : >/mnt/d/f; mount --bind /mnt/other /mnt/d/f', content);
    assert.equal(found.atomic, false);
    assert.equal(`'${found.text?.replace('\n', '\\n')}'`, content);
    assert.deepEqual(found.folder, ['f']);
  }
});

test('atomic replace: a mount point on a full disk keeps its old bytes', { skip: noNamespaces() }, () => {
  const found = attempt(
    `mount -t tmpfs -o size=16k none /mnt/d; mkdir /mnt/o; mount -t tmpfs -o size=8k none /mnt/o
     echo old >/mnt/o/f; head -c 4096 /dev/zero >/mnt/o/z; : >/mnt/d/f; mount --bind /mnt/o/f /mnt/d/f`,
    `'x'.repeat(5000)`,
  );
  assert.deepEqual([found.code, found.text, found.folder], ['ENOSPC', 'old\n', ['f']]);
});

test('atomic replace: a read-only mount point keeps its old bytes', { skip: noNamespaces() }, () => {
  const found = attempt(
    'echo old >/mnt/other; : >/mnt/d/f; mount --bind /mnt/other /mnt/d/f; mount -o remount,bind,ro /mnt/d/f',
    `'new'`,
  );
  assert.deepEqual([found.code, found.text, found.folder], ['EROFS', 'old\n', ['f']]);
});

test('atomic replace: text goes through byte for byte', (t) => {
  const file = join(scratch(t), 'f');
  const bytes = Buffer.from(Array.from({ length: 512 }, (_, index) => index % 256));
  replaceFile(file, bytes);
  assert.deepEqual(readFileSync(file), bytes);
  writeFileSync(file, '');
  replaceFile(file, Buffer.alloc(0));
  assert.equal(statSync(file).size, 0);
});

test('atomic replace: a read-only mount point stays as it is, and the error is a sentence', {
  skip: noNamespaces(),
}, () => {
  const { code, message, text, folder } = attempt(
    'echo old >/mnt/g; : >/mnt/d/f; mount --bind /mnt/g /mnt/d/f; mount -o remount,ro,bind /mnt/d/f',
    '"new"',
  );
  assert.deepEqual({ code, text, folder }, { code: 'EROFS', text: 'old\n', folder: ['f'] });
  assert.equal(message, 'cannot write /mnt/d/f: its file system is read-only (EROFS)');
});

test('atomic replace: the new file gets the old modification time in whole seconds, if that is wanted', (t) => {
  const file = join(scratch(t, { f: 'old\n' }), 'f');
  utimesSync(file, 1_000_000, 1_000_000);
  replaceFile(file, Buffer.from('new\n'), 0o644, { keepTime: true });
  assert.equal(statSync(file).mtimeMs, 1_000_000_000);
  assert.equal(readFileSync(file, 'utf8'), 'new\n');
  replaceFile(file, Buffer.from('newer\n'));
  assert.notEqual(statSync(file).mtimeMs, 1_000_000_000);
});
