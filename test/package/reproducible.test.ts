/** The same sources give the same packages, from whatever folder and at whatever time. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { REPOSITORY, scratch } from '../unit/scratch.ts';
import { output, unbuilt } from './built.ts';

test('built again from another folder, every package of this architecture is the same', { skip: unbuilt() }, (t) => {
  const folder = scratch(t);
  const files = output('git', '-C', REPOSITORY, 'ls-files', '--cached', '--others', '--exclude-standard', '-z').split(
    '\0',
  );
  for (const file of files.filter((name) => name !== '')) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(REPOSITORY, file), join(folder, file));
  }
  symlinkSync(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'));
  const time = output('git', '-C', REPOSITORY, 'log', '-1', '--format=%ct').trim();
  execFileSync(process.execPath, ['packaging/package.ts', process.arch], {
    cwd: folder,
    env: { ...process.env, SOURCE_DATE_EPOCH: time, TZ: 'Asia/Tokyo', TMPDIR: folder },
    stdio: 'ignore',
  });
  const sums = (at: string) => readFileSync(join(at, 'dist/SHA256SUMS'), 'utf8').trimEnd().split('\n');
  const again = sums(folder);
  assert.equal(again.length, 4);
  assert.deepEqual(
    again.filter((line) => !sums(REPOSITORY).includes(line)),
    [],
  );
});
