/** Bytecode is the one part of the executables that is made by running something: it has to be the same whatever else goes on. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { splitProgram } from '../../packaging/build.ts';
import { rehearse } from '../../packaging/rehearsal.ts';
import { REPOSITORY, scratch } from '../unit/scratch.ts';

test('rehearsed again, in another folder, for another user or beside busy processes, the bytecode is the same', async (t) => {
  const chunks = join(scratch(t), 'chunks');
  await splitProgram(join(REPOSITORY, 'agent/cli.ts'), chunks);
  /** One rehearsal in a folder of this name. */
  const rehearsed = (name: string) => {
    const folder = join(scratch(t), name);
    cpSync(chunks, folder, { recursive: true });
    rehearse(folder);
    return sum(folder);
  };
  const first = rehearsed('first');
  const environment = { NO_COLOR: '1', TZ: 'Asia/Tokyo', LANG: 'tr_TR.UTF-8', NODE_OPTIONS: '--no-sparkplug' };
  const before = { ...process.env };
  try {
    Object.assign(process.env, environment);
    assert.equal(rehearsed('another-folder-with-a-longer-name'), first);
  } finally {
    process.env = before;
  }
  // Before the cure three to a core were enough for another result each time.
  const loop = `while kill -0 ${process.pid}; do :; done`;
  const busy = Array.from({ length: 3 * availableParallelism() }, () => spawn('sh', ['-c', loop]));
  try {
    for (let n = 0; n < 5; n++) assert.equal(rehearsed('busy'), first);
  } finally {
    for (const child of busy) child.kill();
    await Promise.all(busy.map(ended));
  }
});

function sum(folder: string): string {
  const hash = createHash('sha256');
  const names = readdirSync(folder).filter((name) => name.endsWith('.bytecode'));
  assert.ok(names.length > 50);
  for (const name of names.sort()) hash.update(name).update(readFileSync(join(folder, name)));
  return hash.digest('hex');
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.on('exit', () => resolve()));
}
