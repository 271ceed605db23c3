/** What /proc tells of a process, whatever the process calls itself, and of one that has ended. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Host } from '../../../../agent/host/host.ts';
import { processAt } from '../../../../agent/host/process/details.ts';
import { processOrigin } from '../../../../agent/host/process/origin.ts';
import {
  argumentsOf,
  commOf,
  nullIfGone,
  startTicks,
  statusField,
  userIds,
} from '../../../../agent/host/process/proc.ts';
import { scratch } from '../../../parts/scratch.ts';

test('proc: a process name that looks like fields of /proc/PID/stat is read as a name', async (t) => {
  const program = join(scratch(t), 'a) Z 1 1 (b');
  copyFileSync('/bin/sleep', program);
  const before = Date.now();
  const child = spawn(program, ['1000'], { argv0: '' });
  t.after(() => child.kill('SIGKILL'));
  await new Promise((resolve) => child.once('spawn', resolve));
  const pid = child.pid!;
  while (commOf(pid) !== 'a) Z 1 1 (b') await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(argumentsOf(pid), ['', '1000']);
  assert.ok(Number(startTicks(pid)) >= Number(startTicks('self')));
  assert.equal(new Host().birthOf(pid), startTicks(pid));
  const details = processAt(pid, Date.now())!;
  const { parent, executable, uid } = details;
  assert.deepEqual([parent, executable, uid], [process.pid, program, process.getuid!()]);
  assert.equal(processOrigin(pid)?.executable, program);
  // A deed from long before the start of this process was another process's.
  assert.equal(processAt(pid, before - 60_000), null);
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('exit', resolve));
  assert.equal(
    nullIfGone(() => startTicks(pid)),
    null,
  );
  assert.deepEqual([processAt(pid, Date.now()), processOrigin(pid)], [null, null]);
});

test('proc: an empty or missing line of /proc/PID/status makes no user root', () => {
  const status = 'Name:\tx\nGroups:\t \nNSpid:\t7\t1\n';
  assert.deepEqual(
    ['Groups', 'NSpid', 'Name', 'Uid'].map((name) => statusField(status, name)),
    ['', '7\t1', 'x', ''],
  );
  assert.ok(!userIds(status).includes(0));
});
