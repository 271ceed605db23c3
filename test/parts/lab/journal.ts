/** The daemon's log as the journal has it. */

export interface JournalEntry {
  readonly event: string;
  readonly msg: string;
  readonly [attribute: string]: unknown;
}

/** The sentence in a line of `journalctl -o cat`, and the details behind the sentence. */
export function journalEntry(line: string): JournalEntry {
  const at = line.lastIndexOf(' {"event":');
  return { ...JSON.parse(line.slice(at)), msg: line.slice(0, at) };
}
