/** docs/metrics.md lists every metric with its unit and kind. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CAUSES } from '../../../probes/memory-errors/causes.ts';
import { METRICS } from '../../../probes/metrics.ts';

const PAGE = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');

test('docs/metrics.md has each metric once, with its unit and kind, a meaning, and no other', () => {
  const rows = [...PAGE.matchAll(/^\| `([a-z]+\.[a-z0-9_.]+)` \| `(.+)` (gauge|counter) \|([^|]*)\| ([^|]+) \|/gm)];
  const told = rows.map(([, name, unit, kind]) => `${name} ${unit} ${kind}`);
  const wanted = Object.entries(METRICS).map(([name, { unit, kind }]) => `${name} ${unit} ${kind}`);
  assert.deepEqual(told.sort(), wanted.sort());
});

test('docs/metrics.md has each cause of a memory error', () => {
  assert.deepEqual(
    Object.keys(CAUSES).filter((cause) => !new RegExp(`^\\| .*\`${cause}\`.* \\|`, 'm').test(PAGE)),
    [],
  );
});
