/** What the programs share that measure and write a page of the documents. */
import { release as kernel } from 'node:os';
import { VERSION } from '../../agent/commands/context/version.ts';

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
