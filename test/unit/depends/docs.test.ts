/** docs/depends.md has the list of files that the code has. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CONFIGURED_PROGRAMS } from '../../../agent/depends/conf/list.ts';
import type { ConfiguredProgram } from '../../../agent/depends/conf/program.ts';
import { COPIES } from '../../../agent/depends/resolver/copies.ts';
import { RECORDS } from '../../../agent/depends/resolver/resolvconf-records.ts';
import { REPOSITORY } from '../../parts/repository.ts';

test('docs/depends.md names every file that is searched, every statement that is followed, and no other', () => {
  const page = readFileSync(join(REPOSITORY, 'docs/depends.md'), 'utf8');
  const programs = [
    ...CONFIGURED_PROGRAMS,
    { name: 'copies of resolv.conf', files: COPIES },
    { name: 'records of resolvconf', files: RECORDS },
  ];
  const listed = (all: readonly string[]) => all.map((one) => `\`${one}\``).join(', ');
  const row = ({ name, files, includes = [] }: Pick<ConfiguredProgram, 'name' | 'files' | 'includes'>) =>
    `| ${name} | ${listed(files)} | ${listed(includes.flatMap(({ words }) => words))} |`;
  const [, section = ''] = /## The files that are searched\n(.*?)\n## /s.exec(page) ?? [];
  const rows = section.split('\n').filter((line) => /^\| .*`/.test(line));
  assert.deepEqual(rows, programs.map(row));
});
