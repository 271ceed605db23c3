/** A live apply that sees the same as the last one writes nothing: no file, no /proc/sys, no lock. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Scene, skip } from './scene.ts';

const CALLS = 'openat,open,creat,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,fsync,truncate,ftruncate';

test('quiet apply: an apply that sees the same as the last one opens nothing for writing and starts nothing', {
  skip,
}, async (t) => {
  const names = [...CALLS.split(','), 'execve'].map((call) => `?${call}`).join(',');
  const scene = await new Scene(
    t,
    `agent first apply; inject='strace -f -qq -o first -e trace=${names}'; rm -f /etc/sysctl.d/60*; agent changed apply
     inject='strace -f -qq -o looked -e trace=${names}'; agent looked apply --detailed-exitcodes
     inject='strace -f -qq -o same -e trace=${names}'; agent same apply --detailed-exitcodes`,
  ).run();
  assert.deepEqual(
    ['first', 'changed', 'looked', 'same'].map((name) => scene.status(name)),
    [0, 0, 0, 0],
  );
  const writes = (name: string) =>
    readFileSync(join(scene.folder, name), 'utf8')
      .split('\n')
      .filter(
        // Its own name in /proc is no file of the host.
        (line) => /\w+\(/.test(line) && !/O_RDONLY|execve|exited|SIG|"\/dev\/null"|"\/proc\/self\/comm"/.test(line),
      );
  const programs = (name: string) => readFileSync(join(scene.folder, name), 'utf8').match(/execve\([^\n]* = 0/g)!;
  assert.ok(writes('first').length > 5, 'the trace of an apply that changes something was read');
  // It keeps what it saw, for the next apply.
  const kept = writes('looked').filter((line) => !/"\/run\/holdfast\/[^/]*seen\b/.test(line));
  assert.deepEqual(kept, []);
  assert.deepEqual(writes('same'), []);
  // The agent itself, by the script that stands for it here.
  for (const name of ['looked', 'same']) assert.equal(programs(name).length, 2, programs(name).join('\n'));
});
