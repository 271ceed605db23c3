/** What systemd's journal makes of a line on stderr: sd-daemon(3), systemd.exec(5), "$JOURNAL_STREAM". */
import { fstatSync } from 'node:fs';

/** syslog(3)'s levels, as the journal takes them at the begin of a line. */
const PREFIXES = { error: '<3>', warn: '<4>', info: '<6>' } as const;
export type JournalLevel = keyof typeof PREFIXES;

const STDERR = 2;

/** Whether stderr is the journal's own: a shell in a service hands the variable on to what it redirects elsewhere. */
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

/** Every line of the text with its level before it, so that `journalctl -p err` finds it. */
export function forJournal(level: JournalLevel, text: string): string {
  return text.replaceAll(/^/gm, PREFIXES[level]);
}
