/** docs/configuration.md explains every key of the schema, and its examples are valid. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { jsonSchema } from '../../../agent/config/schema/config-schema.ts';
import { load } from '../../parts/config-memory.ts';

const PAGE = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
const BLOCKS = [...PAGE.matchAll(/^```yaml\n(.*?)^```$/gms)].map((match) => match[1]!);

test('docs/configuration.md: the page has its examples', () => {
  assert.ok(BLOCKS.length >= 5);
});

for (const [i, block] of BLOCKS.entries()) {
  test(`example ${i + 1} of docs/configuration.md loads`, async () => {
    const result = await load(block);
    assert.ok(result.ok, JSON.stringify(result));
  });
}

test('docs/configuration.md: every key is explained', () => {
  const keys = (node: { properties?: object; additionalProperties?: object; anyOf?: object[] }): string[] => [
    ...Object.entries(node.properties ?? {}).flatMap(([key, child]) => [key, ...keys(child)]),
    ...(typeof node.additionalProperties === 'object' ? keys(node.additionalProperties) : []),
    ...(node.anyOf ?? []).flatMap(keys),
  ];
  const found = new Set(keys(jsonSchema()));
  assert.ok(found.has('atLeast'));
  assert.deepEqual(
    [...found].filter((key) => !new RegExp(`[\`{ ]${key}[\`:]`).test(PAGE)),
    [],
  );
});
