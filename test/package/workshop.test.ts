/** However the build ends, its folder and its programs end with it. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { requirePrograms } from '../../packaging/workshop.ts';
import { Log } from '../parts/lab/log.ts';
import { REPOSITORY } from '../parts/repository.ts';
import { scratch } from '../parts/scratch.ts';

const workshop = JSON.stringify(join(REPOSITORY, 'packaging/workshop.ts'));

suite('the build', () => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
    test(`ended by ${signal}`, async () => {
      // For longer than the test may take, should nothing end it; where nobody can, after SIGKILL, not for long.
      const child = work(`run('sleep', ['${signal === 'SIGKILL' ? 1 : 1000}'])`);
      const folder = await new Log(child.stdout!).until(/unfinished/);
      const gone = once(child, 'exit');
      child.kill(signal);
      assert.deepEqual(await gone, [null, signal]);
      if (signal === 'SIGKILL') {
        assert.ok(existsSync(folder), 'nobody could remove it');
        await once(work('Promise.resolve()'), 'exit');
      }
      assert.ok(!existsSync(folder), 'the next build has, at the latest');
    });
  }

  test('whose program fails', async () => {
    const child = work("run('false', [])");
    const folder = await new Log(child.stdout!).until(/unfinished/);
    assert.deepEqual(await once(child, 'exit'), [1, null]);
    assert.ok(!existsSync(folder));
  });

  test('takes along what its programs started', async () => {
    const child = work(
      "run('sh', ['-c', `sleep 1000 & echo $! >${folder}/new; mv ${folder}/new ${folder}/pid; wait`])",
    );
    const folder = await new Log(child.stdout!).until(/unfinished/);
    while (!existsSync(join(folder, 'pid'))) await pause(50);
    const pid = readFileSync(join(folder, 'pid'), 'utf8').trim();
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
    while (existsSync(`/proc/${pid}`)) await pause(50);
  });
});

/** A build that says its folder and does this. */
function work(what: string): ChildProcess {
  const script = `import(${workshop}).then(({ inWorkshop, run }) => inWorkshop((folder) => {
    console.log(folder);
    return ${what};
  }));`;
  return spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
}

test('package: a program that is not installed is named with its package before anything is built', (t) => {
  const folder = scratch(t, { tar: '', xz: '' });
  requirePrograms(['tar', 'xz'], `/nowhere:${folder}`);
  assert.throws(() => requirePrograms(['tar', 'rpmbuild'], folder), {
    message: 'rpmbuild must be installed (Debian: apt-get install rpm)',
  });
  assert.throws(() => requirePrograms(['xz', 'rpmbuild'], ''), /xz and rpmbuild must be .*install xz-utils rpm\)/);
  const { status, stderr } = spawnSync(process.execPath, [join(REPOSITORY, 'packaging/package.ts'), 'x64'], {
    env: { PATH: folder },
    encoding: 'utf8',
  });
  assert.equal(status, 1);
  assert.equal(stderr, 'npm run package: rpmbuild must be installed (Debian: apt-get install rpm)\n');
});
