/** The executable starts where nothing but a minimal Debian is installed, and no environment of Node's changes it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { debianSystem, runOn, type Suite, suites, unableToMake } from './debian.ts';

const root = join(import.meta.dirname, '../..');
const agent = join(root, 'dist/agent');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const unbuilt = existsSync(agent) ? null : 'dist/agent is not there: npm run build makes it';

for (const [suite, name] of Object.entries(suites) as [Suite, string][]) {
  test(`dist/agent starts on a minimal ${name}`, { skip: unbuilt ?? unableToMake() ?? false }, (t) => {
    try {
      debianSystem(suite);
    } catch (error) {
      return t.skip(`debootstrap could not make it: ${(error as Error).message.trim().split('\n').at(-1)}`);
    }
    const told = runOn(suite, agent, ['--version']);
    assert.deepEqual([told.stderr, told.stdout, told.status], ['', `${version}\n`, 0]);
    const schema = runOn(suite, agent, ['schema']);
    assert.equal(schema.status, 0, schema.stderr);
    assert.match(JSON.parse(schema.stdout).$schema, /json-schema\.org/);
    const refused = runOn(suite, agent, ['plan']);
    assert.equal(refused.status, 1, refused.stderr);
    assert.match(refused.stderr, /\/etc\/holdfast\/agent\.yaml/);
  });
}

test('NODE_OPTIONS does not reach dist/agent', { skip: unbuilt ?? false }, () => {
  const env = { ...process.env, NODE_OPTIONS: '--require /nonexistent.cjs' };
  const told = spawnSync(agent, ['--version'], { encoding: 'utf8', env });
  assert.deepEqual([told.stdout, told.status], [`${version}\n`, 0]);
});

test('dist/agent needs no library beside those of a minimal system', { skip: unbuilt ?? noReadelf() }, () => {
  const linked = spawnSync('readelf', ['--dynamic', agent], { encoding: 'utf8' });
  const libraries = [...linked.stdout.matchAll(/Shared library: \[([^\]]+)\]/g)].map(([, library]) => library ?? '');
  assert.ok(libraries.length > 0);
  const everywhere = /^(ld-linux-x86-64|lib(c|dl|m|pthread|gcc_s|stdc\+\+))\.so\.\d$/;
  assert.deepEqual(
    libraries.filter((library) => !everywhere.test(library)),
    [],
  );
});

function noReadelf(): string | false {
  return spawnSync('readelf', ['--version']).error ? 'readelf is not installed' : false;
}
