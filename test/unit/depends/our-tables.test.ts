/** One list names the tables that watch who sends what: the sources and the packages' scripts have no other. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { WATCHING_TABLES } from '../../../agent/depends/ledger/our-tables.ts';
import { REPOSITORY } from '../../parts/repository.ts';

const read = (file: string) => readFileSync(join(REPOSITORY, file), 'utf8');
const tables = Object.values(WATCHING_TABLES);

for (const script of ['packaging/deb/postrm', 'packaging/rpm/postun'])
  test(`tables: ${script} removes each table of the list`, () => {
    const [, named = ''] = /for table in (.*); do/.exec(read(script)) ?? [];
    assert.deepEqual(named.split(' '), tables);
  });

test('tables: no other source writes the name of a table', () => {
  const names = new RegExp(`\\b(?:${tables.join('|')})\\b`);
  const naming = globSync('{agent,probes}/**/*.ts', { cwd: REPOSITORY }).filter((file) => names.test(read(file)));
  assert.deepEqual(naming, ['agent/depends/ledger/our-tables.ts']);
});
