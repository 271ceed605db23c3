/** Files, exported names and tests can be found by name: each name occurs once, or says its subject. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { REPOSITORY } from '../parts/repository.ts';

/** Names of files that play the same role in each folder. */
const ROLES = [
  'client.ts',
  'conf.ts',
  'follow.ts',
  'index.ts',
  'kept.ts',
  'kept-dhcp.ts',
  'forecast.ts',
  'known-leases.ts',
  'made.ts',
  'other-hooks.ts',
  'recorded-six.ts',
  'running.ts',
  'snapshot.ts',
  'stage.ts',
  'start-script.ts',
  'sysctls.ts',
  'unread-files.ts',
  'wanted.ts',
  'way-back.ts',
];

const sources = globSync('{agent,probes}/**/*.ts', { cwd: REPOSITORY }).sort();
const tests = globSync('test/**/*.test.ts', { cwd: REPOSITORY }).sort();

test('names: a file name occurs in one folder, or names a role', () => {
  assert.ok(sources.length > 400);
  const named = Map.groupBy(sources, (file) => basename(file));
  const repeated = [...named].filter(([name, files]) => files.length > 1 && !ROLES.includes(name));
  assert.deepEqual(repeated, []);
});

test('names: an exported name occurs in one folder', () => {
  const exported = sources.flatMap((file) => {
    const found = read(file).matchAll(
      /^export (?:async )?(?:const|let|function\*?|class|interface|type|abstract class)\s+(\w+)/gm,
    );
    return [...found].map(([, name]) => ({ name, file }));
  });
  assert.ok(exported.length > 1000);
  const repeated = [...Map.groupBy(exported, ({ name }) => name)].filter(([, all]) => {
    return new Set(all.map(({ file }) => dirname(file))).size > 1;
  });
  assert.deepEqual(repeated, []);
});

test('names: a test file opens with what it shows', () => {
  assert.ok(tests.length > 200);
  assert.deepEqual(
    tests.filter((file) => !read(file).startsWith('/**')),
    [],
  );
});

function read(file: string): string {
  return readFileSync(join(REPOSITORY, file), 'utf8');
}
