import type { Outcome } from '../resources/resource.ts';
import { paint, print, table } from './output.ts';

const MARKS = {
  ok: ['green', '✓'],
  changed: ['yellow', '→'],
  failed: ['red', '✗'],
  skipped: ['gray', '–'],
} as const;

/** What was left as it was needs no line of its own; what failed goes to stderr too when all else is quiet. */
export function tellOutcomes(outcomes: readonly Outcome[], quiet: boolean, asItShouldBe: string): void {
  const rows = outcomes.filter(({ result }) => result !== 'ok').map(row);
  if (quiet) {
    const failures = outcomes.filter(({ result }) => result === 'failed').map(row);
    if (failures.length > 0) process.stderr.write(`${table(failures)}\n`);
    return;
  }
  if (rows.length > 0) print(table(rows));
  const count = (result: Outcome['result']) => outcomes.filter((outcome) => outcome.result === result).length;
  const parts = [
    `${count('ok')} ${asItShouldBe}`,
    `${count('changed')} changed`,
    ...(count('failed') > 0 ? [paint('red', `${count('failed')} failed`)] : []),
    ...(count('skipped') > 0 ? [`${count('skipped')} skipped`] : []),
  ];
  print(parts.join(', '));
}

function row({ resource, key, result, actual, reason }: Outcome): string[] {
  const [colour, mark] = MARKS[result];
  const oneLine = actual === null || actual.includes('\n') ? '' : actual;
  const what = result === 'changed' && oneLine !== '' ? `now ${oneLine}` : result;
  return [paint(colour, mark), resource, key, reason === undefined ? what : `${what}: ${reason}`];
}
