/** Doctor finds the running daemons of this host, and none of a container. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runningDaemons } from '../../../agent/host/process/daemons.ts';
import { noNamespaces, scratch } from '../../parts/scratch.ts';

/** A running program of that name, ended after the test. */
async function run(t: TestContext, name: string, ...before: string[]): Promise<ChildProcess> {
  const program = join(scratch(t), name);
  copyFileSync('/bin/sleep', program);
  const [first = program, ...rest] = [...before, program, '1000'];
  const child = spawn(first, before.length === 0 ? ['1000'] : rest, { stdio: 'ignore' });
  t.after(() => child.kill('SIGKILL'));
  await new Promise((resolve) => child.once('spawn', resolve));
  return child;
}

async function until<T>(look: () => T | undefined): Promise<T> {
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('doctor, daemons: a program is found by its name alone, with its process id', async (t) => {
  const child = await run(t, 'holdfast-test-a');
  const pid = await until(() => runningDaemons(new Set(['holdfast-test-a', 'holdfast-test-b'])).get('holdfast-test-a'));
  assert.equal(pid, child.pid);
  assert.equal(runningDaemons(new Set(['holdfast-test'])).size, 0);
});

test('doctor, daemons: one with a mount namespace of its own counts, one in a container does not', {
  skip: noNamespaces('unshare'),
}, async (t) => {
  await run(t, 'holdfast-test-c', 'unshare', '--pid', '--fork', '--kill-child');
  await run(t, 'holdfast-test-d', 'unshare', '--mount');
  await until(() => runningDaemons(new Set(['holdfast-test-d'])).get('holdfast-test-d'));
  await until(() => (somewhere('holdfast-test-c') ? true : undefined));
  assert.equal(runningDaemons(new Set(['holdfast-test-c'])).size, 0);
});

/** Whether any process that is seen here, in whatever namespace, has the name. */
function somewhere(name: string): boolean {
  return spawnSync('sh', ['-c', `cat /proc/[0-9]*/comm 2>/dev/null | grep -qx ${name}`]).status === 0;
}
