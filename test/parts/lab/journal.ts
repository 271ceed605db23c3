/** The daemon's log as the journal has it. */

export interface JournalEntry {
  readonly event: string;
  readonly msg: string;
  readonly [attribute: string]: unknown;
}

/** Of a line of `journalctl -o cat`: the sentence, and the details behind it. */
export function journalEntry(line: string): JournalEntry {
  const at = line.lastIndexOf(' {"event":');
  return { ...JSON.parse(line.slice(at)), msg: line.slice(0, at) };
}
