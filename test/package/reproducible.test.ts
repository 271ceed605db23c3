/** The same sources give the same packages, from whatever folder, for whatever user and at whatever time. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { REPOSITORY } from '../parts/repository.ts';
import { scratch } from '../parts/scratch.ts';
import { output, unbuilt } from './built.ts';

test('reproducible build: made again in another folder, by a user with other habits, every package is the same', {
  skip: unbuilt(),
}, (t) => {
  const folder = scratch(t);
  const listed = output('git', '-C', REPOSITORY, 'ls-files', '--cached', '--others', '--exclude-standard', '-z');
  // In reverse order, so that folders list them in another order.
  for (const file of listed.split('\0').reverse().filter(Boolean)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(REPOSITORY, file), join(folder, file));
  }
  symlinkSync(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'));
  const time = output('git', '-C', REPOSITORY, 'log', '-1', '--format=%ct').trim();
  const sums = (at: string) => readFileSync(join(at, 'dist/SHA256SUMS'), 'utf8').trimEnd().split('\n');
  const archs = sums(REPOSITORY).some((line) => line.includes('arm64')) ? [] : [process.arch];
  execFileSync('sh', ['-c', 'umask 077; exec "$@"', 'sh', process.execPath, 'packaging/package.ts', ...archs], {
    cwd: folder,
    env: {
      ...process.env,
      SOURCE_DATE_EPOCH: time,
      ...{ TZ: 'Asia/Tokyo', LC_ALL: 'C.UTF-8', USER: 'somebody', HOME: folder, TMPDIR: folder },
      ...{ XZ_OPT: '-0', TAR_OPTIONS: '--mode=700', NO_COLOR: '1' },
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  assert.deepEqual(sums(folder), sums(REPOSITORY));
});
