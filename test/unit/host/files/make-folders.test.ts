/** Folders get the wanted mode, whatever the umask is. */
import assert from 'node:assert/strict';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFolders } from '../../../../agent/host/files/make-folders.ts';
import { scratch } from '../../../parts/scratch.ts';

const mode = (path: string) => statSync(path).mode & 0o777;

test('made folders: folders get the mode that was asked for, whatever the umask, and what was there keeps its own', (t) => {
  const folder = scratch(t);
  const umask = process.umask(0o077);
  t.after(() => process.umask(umask));
  mkdirSync(join(folder, 'a'));
  makeFolders(join(folder, 'a/b/c'), 0o755);
  assert.deepEqual(
    ['a', 'a/b', 'a/b/c'].map((name) => mode(join(folder, name))),
    [0o700, 0o755, 0o755],
  );
  assert.equal(process.umask(), 0o077);
});
