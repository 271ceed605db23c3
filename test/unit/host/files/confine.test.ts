/** With --root no path and no link leaves the root folder. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { resolveWithin } from '../../../../agent/host/files/within-root.ts';
import { Host } from '../../../../agent/host/host.ts';
import { scratch } from '../../../parts/scratch.ts';

test('paths below a root: no form of path leaves the root', (t) => {
  const root = scratch(t, { 'etc/f': '' });
  for (const path of ['/etc/f', 'etc/f', '/../../etc/f', '/etc/../../../etc/./f', '//etc//f', '/nowhere/../etc/f']) {
    assert.equal(resolveWithin(root, path, 'follow'), join(root, 'etc/f'), path);
  }
  assert.equal(resolveWithin(root, '/..', 'follow'), root);
});

test('paths below a root: absolute links and links upward lead where a chrooted process would go', (t) => {
  const root = scratch(t, { 'run/real': 'inside\n', 'etc/x': '' });
  symlinkSync('/run/real', join(root, 'etc/absolute'));
  symlinkSync('../../../../../../run/real', join(root, 'etc/climbing'));
  symlinkSync('/etc', join(root, 'folder'));
  symlinkSync('/folder/absolute', join(root, 'etc/chain'));
  const host = new Host({ root });
  for (const name of ['absolute', 'climbing', 'chain']) {
    assert.equal(host.readText(`/etc/${name}`), 'inside\n', name);
    assert.equal(host.target(`/etc/${name}`), '/run/real', name);
    assert.equal(host.readText(`/folder/${name}`), 'inside\n', name);
  }
  assert.equal(host.locate('/folder/chain'), join(root, 'etc/chain'), 'a link in the last component is kept');
});

test('paths below a root: links out of the folder are neither read, written nor removed through', (t) => {
  const outside = scratch(t, { secret: 'outside\n', 'd/f': 'outside\n' });
  const root = scratch(t, { 'etc/x': '' });
  symlinkSync(join(outside, 'secret'), join(root, 'etc/resolv.conf'));
  symlinkSync(join(outside, 'd'), join(root, 'etc/dhcp'));
  symlinkSync(`../../..${outside}/d`, join(root, 'etc/relative'));
  const host = new Host({ root });

  assert.equal(host.readText('/etc/resolv.conf'), null);
  assert.equal(host.stat('/etc/resolv.conf'), null);
  assert.deepEqual(host.list('/etc/dhcp'), []);
  for (const folder of ['dhcp', 'relative']) {
    assert.equal(host.readText(`/etc/${folder}/f`), null);
    host.makeFolder(`/etc/${folder}`, 0o755);
    host.replace(`/etc/${folder}/f`, 'inside\n');
    assert.equal(host.readText(`/etc/${folder}/f`), 'inside\n');
    host.remove(`/etc/${folder}/f`);
  }
  host.replace('/etc/resolv.conf', 'inside\n');
  assert.equal(readFileSync(join(outside, 'secret'), 'utf8'), 'outside\n');
  assert.equal(readFileSync(join(outside, 'd/f'), 'utf8'), 'outside\n');
  assert.deepEqual(readdirSync(join(outside, 'd')), ['f']);
});

test('paths below a root: a circle of links is an error, and no hang', (t) => {
  const root = scratch(t, { 'etc/x': '' });
  symlinkSync('b', join(root, 'etc/a'));
  symlinkSync('/etc/a', join(root, 'etc/b'));
  symlinkSync('self', join(root, 'etc/self'));
  const host = new Host({ root });
  for (const name of ['a', 'b', 'self']) {
    assert.throws(() => host.readText(`/etc/${name}`), { code: 'ELOOP', name: 'HostError' });
    assert.throws(() => host.target(`/etc/${name}/below`), { code: 'ELOOP' });
  }
});

test('paths below a root: as many links are followed as the kernel follows', (t) => {
  const root = scratch(t, { f: 'found\n' });
  symlinkSync('f', join(root, '1'));
  for (let n = 2; n <= 41; n += 1) symlinkSync(`${n - 1}`, join(root, `${n}`));
  const host = new Host({ root });
  assert.equal(host.readText('/40'), 'found\n');
  assert.equal(execFileSync('cat', [join(root, '40')], { encoding: 'utf8' }), 'found\n');
  assert.throws(() => host.readText('/41'), { code: 'ELOOP' });
  assert.throws(() => execFileSync('cat', [join(root, '41')], { stdio: 'ignore' }));
});

test('paths below a root: a root given with a slash at its end, or relative, is the same root', (t) => {
  const root = scratch(t, { 'run/real': 'inside\n', 'etc/x': '' });
  symlinkSync('/run/real', join(root, 'etc/link'));
  mkdirSync(join(root, 'sub'));
  const relative = `${'../'.repeat(process.cwd().split('/').length - 1)}${root.slice(1)}`;
  for (const spelled of [`${root}/`, `${root}/./`, relative]) {
    const host = new Host({ root: spelled });
    assert.equal(host.target('/etc/link'), '/run/real', spelled);
    assert.equal(host.readText('/etc/link'), 'inside\n', spelled);
  }
});
