/** The way to a file, folder by folder: which links are followed, and where its names are looked up. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inPlace, type TrustedPlace } from '../../../../agent/host/files/trusted-path.ts';
import { fill, scratch } from '../../../parts/scratch.ts';

const notRoot = process.getuid?.() === 0 ? false : 'needs root, to give a folder away';
const EVE = 4242;

const look = (path: string): TrustedPlace => inPlace('write', path, (place) => ({ ...place }));

test('trusted paths: in folders of our own every link is followed, and names are the plain ones', (t) => {
  const root = scratch(t, { 'a/b/f': '', 'c/f': '' });
  symlinkSync('../../c', join(root, 'a/b/relative'));
  symlinkSync(join(root, 'a'), join(root, 'absolute'));
  for (const path of ['a/b/f', 'a/b/relative/f', 'absolute/b/relative/f', 'a/b/relative/../a/b/f']) {
    const { file, shared } = look(`${root}/${path}`);
    assert.deepEqual([readFileSync(file, 'utf8'), shared], ['', false], path);
  }
});

test("trusted paths: a link is not followed in another user's folder, or if another user made it where all may write", {
  skip: notRoot,
}, (t) => {
  const root = scratch(t, { 'own/f': '', 'hers/f': '', 'all/f': '' });
  for (const folder of ['hers', 'all']) symlinkSync(join(root, 'own'), join(root, folder, 'link'));
  chownSync(join(root, 'hers'), EVE, EVE);
  chmodSync(join(root, 'all'), 0o1777);
  const refused = { code: 'ELINK', name: 'HostError', message: /on the way there, is a symbolic link that others/ };
  assert.throws(() => look(join(root, 'hers/link/f')), refused);
  assert.equal(look(join(root, 'all/link/f')).shared, false, 'with the sticky bit only root can replace it');
  lchownSync(join(root, 'all/link'), EVE, EVE);
  assert.throws(() => look(join(root, 'all/link/f')), refused);
});

test("trusted paths: in another's folder names are looked up in the folder that was opened", { skip: notRoot }, (t) => {
  const root = scratch(t, { 'own/f': 'own', 'hers/below/f': 'hers' });
  chownSync(join(root, 'hers'), EVE, EVE);
  for (const path of ['hers/f', 'hers/below/f']) assert.equal(look(join(root, path)).shared, true, path);
  inPlace('write', join(root, 'hers/below/f'), ({ file, beside }) => {
    renameSync(join(root, 'hers/below'), join(root, 'hers/away'));
    symlinkSync(join(root, 'own'), join(root, 'hers/below'));
    assert.equal(readFileSync(file, 'utf8'), 'hers');
    writeFileSync(beside('g'), 'new');
  });
  assert.equal(readFileSync(join(root, 'hers/away/g'), 'utf8'), 'new');
});

test('trusted paths: links in a circle, a missing folder and a file in its place are told as the kernel does', (t) => {
  const root = scratch(t, { f: '' });
  symlinkSync('circle', join(root, 'circle'));
  mkdirSync(join(root, 'd'));
  for (const [path, code] of [
    ['circle/f', 'ELOOP'],
    ['none/f', 'ENOENT'],
    ['f/f', 'ENOTDIR'],
    ['d/../none/../f', 'ENOENT'],
  ] as const)
    assert.throws(() => look(`${root}/${path}`), { code, name: 'HostError' }, path);
  fill(root, { g: '' });
  assert.equal(look(join(root, 'd/../g')).shared, false);
});
