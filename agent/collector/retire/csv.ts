/** The verdict as CSV (RFC 4180): one line for each dependence, and one for each reason why a host could not be seen. */
import type { RetireVerdict } from './retire-verdict.ts';

const COLUMNS = [
  'address',
  'verdict',
  'host',
  'id',
  'standing',
  'last seen',
  'tense',
  'source',
  'who',
  'where',
  'reason',
  'cure',
];

/** The lines of a host that could not be seen have the tense `unseen`. Without such hosts, one line has the verdict. */
export function* retireCsv({ address, verdict, sentence, dependents, unseen }: RetireVerdict): Generator<string> {
  yield line(COLUMNS);
  for (const { id, name, standing, seen, dependences } of dependents) {
    const host = [address, verdict, name, id, standing, iso(seen)];
    yield dependences
      .map(({ tense, source, who, where, reason, cure }) => line([...host, tense, source, who, where, reason, cure]))
      .join('');
  }
  for (const { id, name, standing, seen, reasons } of unseen) {
    const host = [address, verdict, name, id, standing, iso(seen)];
    yield reasons.map((reason) => line([...host, 'unseen', '', '', '', reason, ''])).join('');
  }
  if (dependents.length + unseen.length === 0)
    yield line([address, verdict, '', '', '', '', '', '', '', '', sentence, '']);
}

function iso(time: number): string {
  return time > 0 && time <= 8.64e15 ? new Date(time).toISOString() : '';
}

function line(cells: readonly string[]): string {
  return `${cells.map(cell).join(',')}\r\n`;
}

/** A spreadsheet would run a text that begins like a formula. Texts come from hosts, so such a text gets an apostrophe. */
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
