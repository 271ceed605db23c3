/** Lines that routing daemons write into a file or into the journal. */
import type { Condition } from '../probe.ts';
import { daemonCause } from './causes.ts';
import { type ErrorTally, printable } from './tally.ts';

/**
 * Counts a line that tells of a memory error.
 * @param time milliseconds since the epoch.
 */
export function tallyLine(tally: ErrorTally, source: string, line: string, time: number): void {
  const cause = daemonCause(line);
  if (cause !== null) tally.add(cause, source, line, time);
}

/** @param source a file, or a unit whose messages are in the journal. */
export function unreadableLog(source: { path: string } | { unit: string }, reason: string): Condition {
  const [name, key] = 'path' in source ? ['log', 'logs'] : ['journal', 'journal'];
  return {
    kind: 'condition',
    code: 'log-unreadable',
    severity: 'warn',
    body: `${printable(reason)}: memory errors in this ${name} are not seen. Correct probes.memory-errors.${key}, or make the ${name} readable.`,
    attributes: source,
  };
}
