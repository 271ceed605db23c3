/**
 * Entries of systemd's journal, as `journalctl --output=json` writes them (systemd's JOURNAL_EXPORT_FORMATS, "Journal
 * JSON Format"). Any program may have written the message, so its form is not trusted.
 */
export interface UnitEntry {
  /** The entry's place in the journal. */
  readonly cursor: string;
  /** Milliseconds since the epoch, by journald's clock. */
  readonly time: number;
  /** The followed unit that wrote the message, or that systemd speaks of. */
  readonly unit: string;
  /** The lines of the message; none if journalctl leaves the message out, as from 4,096 bytes on. */
  readonly lines: readonly string[];
}

/** Fields of a unit: of its own messages, of those of systemd, and of those of other programs of root. */
const UNIT_FIELDS = ['_SYSTEMD_UNIT', 'UNIT', 'OBJECT_SYSTEMD_UNIT'] as const;

/** The fields that an entry is made of. */
export const ENTRY_FIELDS = ['MESSAGE', ...UNIT_FIELDS];

/** The most lines of a message, and the most characters of a line. */
const MOST_LINES = 64;
const LONGEST_LINE = 4096;

/** `s=…;i=…;b=…;m=…;t=…;x=…` in hexadecimal. systemd calls a cursor opaque, so the letters are not looked at. */
const CURSOR = /^[\w=;-]{1,512}$/;

/** Whether the text may be given to `journalctl --cursor=`. */
export function isJournalCursor(text: unknown): text is string {
  return typeof text === 'string' && CURSOR.test(text);
}

/** null if the line is no entry. */
export function unitEntry(line: string, units: readonly string[]): UnitEntry | null {
  const entry = parsed(line);
  const cursor = entry?.__CURSOR;
  if (!isJournalCursor(cursor)) return null;
  const microseconds = Number(entry?.__REALTIME_TIMESTAMP);
  const named = UNIT_FIELDS.flatMap((field) => texts(entry?.[field]));
  return {
    cursor,
    time: Number.isSafeInteger(microseconds) ? Math.round(microseconds / 1000) : Date.now(),
    unit: units.find((unit) => named.includes(unit)) ?? units[0] ?? '',
    lines: texts(entry?.MESSAGE)
      .flatMap((text) => text.split('\n'))
      .slice(0, MOST_LINES)
      .map((text) => text.slice(0, LONGEST_LINE)),
  };
}

function parsed(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' ? (value as Record<string, unknown> | null) : null;
  } catch {
    return null;
  }
}

/** The values of a field: a text, the bytes of one, or a list of several values. */
function texts(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (!Array.isArray(value)) return [];
  if (value.length > 0 && value.every((byte) => typeof byte === 'number')) return [Buffer.from(value).toString('utf8')];
  return value.flatMap((one) => (Array.isArray(one) && one.some(Array.isArray) ? [] : texts(one)));
}
