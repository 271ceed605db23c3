/** What a no-op apply reads before it looks at the host: libraries get in by a static import that nobody notices. */
import assert from 'node:assert/strict';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { bundle, packsOfApply } from '../../packaging/build.ts';
import { REPOSITORY } from '../parts/repository.ts';

const { metafile } = await bundle(join(REPOSITORY, 'agent/cli.ts'), '/chunks');
const packs = packsOfApply(metafile);

/** The npm packages that these chunks have code of. */
function librariesOf(chunks: readonly string[]): string[] {
  const outputs = Object.entries(metafile.outputs).filter(([path]) => chunks.includes(basename(path)));
  const inputs = outputs.flatMap(([, output]) => Object.keys(output.inputs));
  const names = inputs.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []);
  return [...new Set(names)].sort();
}

test('packs of apply: each apply loads no library but the one that parses its options', () => {
  assert.deepEqual(librariesOf(packs.first), ['commander']);
});

test('packs of apply: to ask the kernel it also loads the one for sockets', () => {
  assert.deepEqual(librariesOf(packs.kernel), ['netlink']);
});

test('packs of apply: to compare a host with its configuration it loads a small one for hints', () => {
  assert.deepEqual(librariesOf(packs.whole), ['fastest-levenshtein']);
});

test('packs of apply: to compare a gateway it also loads the one for addresses', () => {
  assert.deepEqual(librariesOf(packs.gateways), ['ipaddr.js']);
});
