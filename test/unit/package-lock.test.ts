/** What a fresh machine's `npm ci` needs of package-lock.json, wherever its packages come from. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { REPOSITORY } from '../parts/repository.ts';

interface Entry {
  version?: string;
  resolved?: string;
  integrity?: string;
  optionalDependencies?: Record<string, string>;
}

const packages: Record<string, Entry> = JSON.parse(
  readFileSync(join(REPOSITORY, 'package-lock.json'), 'utf8'),
).packages;

test('package lock: package-lock.json names no registry', () => {
  const named = Object.entries(packages).filter(([, { resolved }]) => resolved !== undefined);
  assert.deepEqual(named, []);
});

test('package lock: package-lock.json has the optional packages of every platform: npm ci refuses it otherwise', () => {
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !packages[`node_modules/${name}`] && !packages[`${path}/node_modules/${name}`],
    ),
  );
  assert.deepEqual(missing, []);
});

test('package lock: Node is pinned for both architectures, in one version, by checksum', () => {
  const pinned = ['x64', 'arm64'].map((arch) => packages[`node_modules/node-linux-${arch}`]);
  assert.equal(pinned[0]?.version, pinned[1]?.version);
  for (const entry of pinned) assert.match(entry?.integrity ?? '', /^sha512-/);
});
