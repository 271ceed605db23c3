/** A result is made again only if its files changed. */
import assert from 'node:assert/strict';
import { readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Unchanged } from '../../../../agent/host/files/until-changed.ts';
import { Host } from '../../../../agent/host/host.ts';
import { scratch } from '../../../parts/scratch.ts';

/** Milliseconds until a file's last change counts as over. */
const OLD = 1200;

function scene(t: TestContext) {
  const root = scratch(t, { f: 'one' });
  const made: string[] = [];
  const unchanged = new Unchanged(new Host({ root }), (path) => {
    made.push(path);
    return readFileSync(join(root, path), 'latin1');
  });
  return { root, made, unchanged };
}

test('until changed: an unchanged file is not read twice, and every change is seen', async (t) => {
  const { root, made, unchanged } = scene(t);
  const file = join(root, 'f');
  await sleep(OLD);
  assert.deepEqual([unchanged.of('/f'), unchanged.of('/f'), unchanged.of('/f')], ['one', 'one', 'one']);
  assert.equal(made.length, 1);

  writeFileSync(file, 'two');
  utimesSync(file, 1, 1); // as rsync and tar put old times on new files
  assert.equal(unchanged.of('/f'), 'two', 'written in place, of the same length');
  await sleep(OLD);
  assert.equal(unchanged.of('/f'), 'two');
  writeFileSync(join(root, 'g'), 'six');
  renameSync(join(root, 'g'), file);
  assert.equal(unchanged.of('/f'), 'six', 'replaced');
  renameSync(file, join(root, 'g'));
  assert.equal(unchanged.of('/f'), null, 'gone');
  renameSync(join(root, 'g'), file);
  assert.equal(unchanged.of('/f'), 'six', 'there again');
});

test('until changed: a file that has just changed is read again, because a time stamp may repeat', (t) => {
  const { root, made, unchanged } = scene(t);
  for (let n = 0; n < 200; n += 1) {
    const text = String(1000 + n);
    writeFileSync(join(root, 'f'), text);
    assert.equal(unchanged.of('/f'), text);
  }
  assert.equal(made.length, 200);
});
