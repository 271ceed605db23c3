/** How systemd's journal reads a line on stderr: sd-daemon(3), systemd.exec(5), "$JOURNAL_STREAM". */
import { fstatSync } from 'node:fs';

/** syslog(3)'s levels, in the journal's form at the begin of a line. */
const PREFIXES = { error: '<3>', warn: '<4>', info: '<6>' } as const;
export type JournalLevel = keyof typeof PREFIXES;

const STDERR = 2;

/** Whether stderr goes to the journal: a shell in a service passes the variable on even to redirected programs. */
export function isJournal(environment: NodeJS.ProcessEnv = process.env): boolean {
  const stream = environment.JOURNAL_STREAM;
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(STDERR);
    return stream === `${dev}:${ino}`;
  } catch {
    return false; // closed
  }
}

/** Every line of the text with its level in front, so that `journalctl -p err` finds the line. */
export function forJournal(level: JournalLevel, text: string): string {
  return text.replaceAll(/^/gm, PREFIXES[level]);
}
