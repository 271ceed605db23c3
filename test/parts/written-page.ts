/** What the programs share that measure and write a page of the documents. */
import { readFileSync, writeFileSync } from 'node:fs';
import { release as kernel } from 'node:os';
import { join } from 'node:path';
import { VERSION } from '../../agent/commands/context/version.ts';
import { REPOSITORY } from './repository.ts';

/** "`npm run trials` on 2026-12-01, of version 0.1.0, on Linux 6.12". */
export function writtenBy(script: string): string {
  return `\`npm run ${script}\` on ${new Date().toISOString().slice(0, 10)}, of version ${VERSION}, on Linux ${kernel()}`;
}

/** Makes the rows of these cases, each at its own place in `rows`, and so many at a time. */
export async function fillRows<Case>(
  rows: string[][],
  cases: Iterable<readonly [place: number, one: Case]>,
  atOnce: number,
  make: (one: Case) => Promise<string[]>,
): Promise<void> {
  const waiting = [...cases];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const row = await make(next[1]);
      console.log(row.join(' | '));
      rows[next[0]] = row;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

/** Writes `text` into a page of docs/, below the line `<!-- by npm run SCRIPT -->`. */
export function fillPage(page: string, script: string, text: string): void {
  const path = join(REPOSITORY, 'docs', page);
  const before = readFileSync(path, 'utf8');
  const begin = `<!-- by npm run ${script} -->\n`;
  const from = before.indexOf(begin);
  const to = before.indexOf('<!-- end -->\n', from);
  if (from < 0 || to < 0) throw new Error(`${path} has no place for the table`);
  writeFileSync(path, before.slice(0, from + begin.length) + text + before.slice(to));
  console.log(`docs/${page} is written`);
}
