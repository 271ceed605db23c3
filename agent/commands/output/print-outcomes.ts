import type { Outcome } from '../../hold/resource.ts';
import { installedPages } from './installed-pages.ts';
import { paint, print, printError, shown, table } from './output.ts';
import { onceEach } from './refusal-notes.ts';

const MARKS = {
  ok: ['green', '✓'],
  changed: ['yellow', '→'],
  failed: ['red', '✗'],
  skipped: ['gray', '–'],
} as const;

/** Prints a line for each outcome that changed or failed. If `quiet`, only failures are printed, to stderr. */
export function tellOutcomes(outcomes: readonly Outcome[], quiet: boolean, asItShouldBe: string): void {
  if (quiet) {
    const failures = outcomes.filter(({ result }) => result === 'failed');
    if (failures.length > 0) printError(table(rows(failures)));
    return;
  }
  const told = outcomes.filter(({ result }) => result === 'changed' || result === 'failed');
  if (told.length > 0) print(table(rows(told)));
  const skipped = outcomes.filter(({ result }) => result === 'skipped');
  for (const [reason, keys] of byReason(skipped))
    print(paint('gray', `${MARKS.skipped[1]}  ${keys}  skipped: ${reason}`));
  const count = (result: Outcome['result']) => outcomes.filter((outcome) => outcome.result === result).length;
  const parts = [
    `${count('ok')} ${asItShouldBe}`,
    `${count('changed')} changed`,
    ...(count('failed') > 0 ? [paint('red', `${count('failed')} failed`)] : []),
    ...(count('skipped') > 0 ? [`${count('skipped')} skipped`] : []),
  ];
  print(parts.join(', '));
}

/**
 * Joins outcomes with the same reason into one line: a kernel that was not looked at is one line, not one for each
 * sysctl.
 */
export function byReason(all: readonly { resource: string; key: string; reason?: string }[]): [string, string][] {
  const groups = Map.groupBy(all, ({ resource, reason }) => `${resource} ${reason ?? ''}`);
  return [...groups.values()].map((members) => {
    const { resource, key, reason = '' } = members[0]!;
    return [reason, members.length === 1 ? key : `${members.length} of ${resource}`];
  });
}

/** Prints a shared reason only once, because a refusal applies to every artifact of DNS. */
function rows(outcomes: readonly Outcome[]): string[][] {
  const once = onceEach();
  return outcomes.map((outcome) => {
    const { result, reason } = outcome;
    return row(result === 'failed' && reason !== undefined ? { ...outcome, reason: once(reason) } : outcome);
  });
}

function row({ resource, key, result, actual, reason }: Outcome): string[] {
  const [colour, mark] = MARKS[result];
  const what =
    result !== 'changed' ? result : actual === null ? 'removed' : isLine(actual) ? `now ${actual}` : 'changed';
  return [
    paint(colour, mark),
    resource,
    shown(key),
    shown(reason === undefined ? what : `${what}: ${installedPages(reason)}`),
  ];
}

function isLine(text: string): boolean {
  return text !== '' && !text.includes('\n');
}
