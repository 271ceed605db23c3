/** docs/rehearse-table.md has the rows of the cases, in the order in which `npm run rehearsals` writes them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { REHEARSAL_CASES } from '../../parts/lab/rehearsal-cases.ts';
import { REPOSITORY } from '../../parts/repository.ts';
import { BOOTED_REHEARSALS } from '../../systems/networkd-rehearsals.ts';

test('rehearse-table.md: each row belongs to a case, and stands in the order of the cases', () => {
  const [, table = ''] = readFileSync(join(REPOSITORY, 'docs/rehearse-table.md'), 'utf8').split(/^\| client .*\n.*\n/m);
  const rows = table.split('\n').flatMap((line) => (line === '' ? [] : [line.split(' | ').slice(0, 3).join(' | ')]));
  const cases = [...REHEARSAL_CASES, ...BOOTED_REHEARSALS].map(
    ({ client, event, way }) => `| ${client} | ${event} | ${way}`,
  );
  assert.ok(rows.length > 100);
  assert.deepEqual(
    rows,
    cases.filter((one) => rows.includes(one)),
  );
});
