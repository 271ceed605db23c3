/** A live apply that has nothing to do writes nothing: no file, no /proc/sys, no lock. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Scene, skip } from './scene.ts';

const CALLS = 'openat,open,creat,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,fsync,truncate,ftruncate';

test('quiet apply: the second apply opens nothing for writing and starts nothing', { skip }, async (t) => {
  const names = [...CALLS.split(','), 'execve'].map((call) => `?${call}`).join(',');
  const scene = await new Scene(
    t,
    `agent first apply; inject='strace -f -qq -o first -e trace=${names}'; rm -f /etc/sysctl.d/60*; agent changed apply
     inject='strace -f -qq -o second -e trace=${names}'; agent second apply --detailed-exitcodes`,
  ).run();
  assert.deepEqual([scene.status('first'), scene.status('changed'), scene.status('second')], [0, 0, 0]);
  const writes = (name: string) =>
    readFileSync(join(scene.folder, name), 'utf8')
      .split('\n')
      .filter(
        // Its own name in /proc is no file of the host.
        (line) => /\w+\(/.test(line) && !/O_RDONLY|execve|exited|SIG|"\/dev\/null"|"\/proc\/self\/comm"/.test(line),
      );
  const programs = (name: string) => readFileSync(join(scene.folder, name), 'utf8').match(/execve\([^\n]* = 0/g)!;
  assert.ok(writes('first').length > 5, 'the trace of an apply that changes something was read');
  assert.deepEqual(writes('second'), []);
  // The agent itself, by the script that stands for it here.
  assert.equal(programs('second').length, 2, programs('second').join('\n'));
});
