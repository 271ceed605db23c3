/** The fault of the database, its place, and the remedy: SQLite's own words tell an operator none of these. */

/** SQLite's result codes (https://www.sqlite.org/rescode.html), without their extended part. */
const CODES: Readonly<Record<number, (file: string, words: string) => string>> = {
  1: damaged,
  5: inUse,
  6: inUse,
  8: (file, words) =>
    `${file} may not be written (${words}): its file system may be mounted read-only, of which "dmesg" tells`,
  10: (file, words) =>
    `${file} cannot be read or written (${words}): look at its disk ("dmesg"), or give another folder with --data`,
  11: damaged,
  13: (file, words) => `${file} has no room on its disk (${words}): make some there, or lower --max-size`,
  14: (file, words) => `${file} cannot be opened (${words}): look at what is there, and whose it is: ls -ld ${file}`,
  26: damaged,
};
const DAMAGE = new Set([1, 10, 11, 14, 26]);

export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
  /** The data on the disk cannot be read. False if only room or permission is missing. */
  readonly damage: boolean;

  constructor(file: string, error: unknown) {
    const { errcode = 0, message } = error as Error & { errcode?: number };
    const code = errcode & 0xff;
    super(CODES[code]?.(file, message) ?? `${file} cannot be used: ${message}`, { cause: error });
    this.damage = DAMAGE.has(code);
  }
}

/** The fault of a database that cannot be read, and the remedy. */
export function damaged(file: string, words: string): string {
  return (
    `${file} is damaged (${words}). To begin anew, stop the collector, move the file away with its -wal, if there is one ` +
    `(mv ${file} ${file}.damaged), and start the collector: hosts come back with their next heartbeats, the stored past does not`
  );
}

function inUse(file: string): string {
  return `${file} cannot be used: another collector is using it`;
}
