/** Only one process works at a time, and a killed process leaves no lock. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { lockForLife, withLock } from '../../../../agent/host/files/lock.ts';
import { Host } from '../../../../agent/host/host.ts';
import { REPOSITORY } from '../../../parts/repository.ts';
import { missing, scratch } from '../../../parts/scratch.ts';

const skip = missing('flock');

/** Another process that takes the lock, says so, and holds it until its standard input ends. */
async function holder(lock: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', HOLDER, lock], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(child.stdout!, 'data');
  return child;
}

const HOLDER = `
  import { lockForLife, withLock } from ${JSON.stringify(`${REPOSITORY}/agent/host/files/lock.ts`)};
  await withLock(process.argv[1], () => new Promise((resolve) => {
    console.log('held');
    process.stdin.on('data', () => {}).on('end', resolve);
  }));`;

/** Two that add one to a number, slowly: without a lock they lose counts. */
const COUNTER = `
  import { readFileSync, writeFileSync } from 'node:fs';
  import { setTimeout } from 'node:timers/promises';
  import { lockForLife, withLock } from ${JSON.stringify(`${REPOSITORY}/agent/host/files/lock.ts`)};
  const [lock, file] = process.argv.slice(1);
  for (let n = 0; n < 5; n += 1) await withLock(lock, async () => {
    const count = Number(readFileSync(file, 'utf8'));
    await setTimeout(1);
    writeFileSync(file, String(count + 1));
  });`;

test('lock: processes take turns', { skip }, async (t) => {
  const folder = scratch(t, { count: '0' });
  const children = [1, 2, 3].map(() => {
    const args = ['--input-type=module-typescript', '-e', COUNTER, join(folder, 'lock'), join(folder, 'count')];
    return spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  });
  const statuses = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]));
  assert.deepEqual(statuses, [0, 0, 0]);
  assert.equal(readFileSync(join(folder, 'count'), 'utf8'), '15');
});

test('lock: a process that was killed leaves no lock', { skip }, async (t) => {
  const lock = join(scratch(t), 'lock');
  const child = await holder(lock);
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(await withLock(lock, async () => 'taken'), 'taken');
});

test('lock: work that throws gives the lock back', { skip }, async (t) => {
  const lock = join(scratch(t), 'lock');
  await assert.rejects(
    withLock(lock, () => Promise.reject(new Error('no'))),
    /^Error: no$/,
  );
  assert.equal(await withLock(lock, async () => 'taken'), 'taken');
});

test('lock: a link in the place of the lock is not followed', { skip }, async (t) => {
  const folder = scratch(t, { victim: 'mine\n' });
  symlinkSync('victim', join(folder, 'lock'));
  await assert.rejects(
    withLock(join(folder, 'lock'), async () => {}),
    { code: 'ELOOP' },
  );
  assert.equal(readFileSync(join(folder, 'victim'), 'utf8'), 'mine\n');
});

test('lock: a missing folder of the lock is made', { skip }, async (t) => {
  const host = new Host({ root: scratch(t) });
  assert.equal(await host.exclusively('/run/holdfast', async () => host.lstat('/run/holdfast/lock')?.isFile()), true);
});

test('lock: a lock for life names its holder at once, and ends with that process', { skip }, async (t) => {
  const lock = join(scratch(t), 'daemon');
  const source = `
    import { lockForLife } from ${JSON.stringify(`${REPOSITORY}/agent/host/files/lock.ts`)};
    console.log(lockForLife(process.argv[1]) === null ? 'held' : 'refused');
    process.stdin.resume();`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', source, lock], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [said] = await once(child.stdout!, 'data');
  assert.equal(String(said), 'held\n');
  assert.equal(lockForLife(lock), String(child.pid));
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(lockForLife(lock), null);
  assert.equal(lockForLife(lock), String(process.pid));
});

test("lock: a process that waits is told once, and not for a moment's wait", { skip }, async (t) => {
  const lock = join(scratch(t), 'lock');
  const told: string[] = [];
  const tell = (path: string, seconds: number) => told.push(`${path} ${seconds}`);
  await withLock(lock, async () => 'free', 60, tell);
  assert.deepEqual(told, []);
  const child = await holder(lock);
  const waiting = (path: string, seconds: number) => {
    tell(path, seconds);
    child.kill('SIGKILL'); // at once: nothing else of this process goes on while it waits
  };
  assert.equal(await withLock(lock, async () => 'taken', 60, waiting), 'taken');
  assert.deepEqual(told, [`${lock} 60`]);
  const second = await holder(lock);
  await assert.rejects(
    withLock(lock, async () => {}, 0, tell),
    /another apply is at work/,
  );
  assert.equal(told.length, 1, 'what does not wait says nothing');
  second.stdin!.end();
});
