/** The tightest limit of a process' control groups, in a real group of this machine's hierarchy. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { memoryLimitOf } from '../../agent/host/kernel/memory-limit.ts';
import { Log } from '../parts/lab/log.ts';

const own = ownGroup();
/** Reads some megabytes, which are charged to it as cache, as far as there is room; says who it is, and waits. */
const READER = `echo $$ >"$0/cgroup.procs"; f=$(mktemp); head -c 8M /dev/zero >"$f"; cat "$f" >/dev/null
  echo $$; read line || :; rm "$f"`;

test('memory limit: the tightest control group counts, without its cache, and a process that ended has none', {
  skip: own === null && 'needs the memory controller as cgroup v1, and root',
}, async () => {
  const group = join(own!, `holdfast-limit-${process.pid}`);
  const shell = spawn(
    'sh',
    [join(import.meta.dirname, '../parts/lab/canary-memory.sh'), group, 'sh', '-c', READER, group],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const gone = once(shell, 'exit');
  try {
    const limit = memoryLimitOf(Number(await new Log(shell.stdout).until(/^\d+$/)));
    assert.ok(limit!.group.endsWith(`/${basename(group)}`), limit!.group);
    assert.equal(limit!.limit, 2 ** 20);
    // Full of cache, and yet there is room.
    assert.ok(limit!.used < limit!.limit * 0.8, `${limit!.used} bytes`);
    assert.ok(Number(readFileSync(join(group, 'memory.usage_in_bytes'), 'utf8')) > limit!.used);
    assert.equal(memoryLimitOf(5_000_000), null);
  } finally {
    shell.stdin.end();
    await gone;
  }
  assert.equal(existsSync(group), false);
});

function ownGroup(): string | null {
  const path = /^\d+:memory:(\/.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
  if (path === undefined || process.getuid?.() !== 0) return null;
  const folder = join('/sys/fs/cgroup/memory', path);
  return existsSync(join(folder, 'memory.oom_control')) ? folder : null;
}
