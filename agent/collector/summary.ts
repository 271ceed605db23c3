/** The summary of the fleet: how many hosts there are, what they need, their labels. It is as long as it may be, however many hosts there are. */
import type { HostRow, SummaryAnswer } from './api.ts';

/**
 * Values of one label, characters of all of them, labels, and codes, those that most hosts have: no sender makes the summary as long
 * as it likes. It goes to every open page each second.
 */
const MOST = { values: 200, characters: 8_000, labels: 50, codes: 100 } as const;
/** Labels and codes that are counted at all. */
const COUNTED = 10_000;

export function summarize(rows: Iterable<HostRow>, version: string): Omit<SummaryAnswer, 'trouble'> {
  let hosts = 0;
  const codes = new Map<string, number>();
  const labels = new Map<string, { hosts: number; characters: number; values: Set<string> }>();
  for (const row of rows) {
    hosts += 1;
    for (const { code } of row.attention)
      if (codes.size < COUNTED || codes.has(code)) codes.set(code, (codes.get(code) ?? 0) + 1);
    for (const [name, value] of Object.entries(row.labels)) {
      const label = labels.get(name) ?? { hosts: 0, characters: 0, values: new Set() };
      if (labels.size < COUNTED) labels.set(name, label);
      label.hosts += 1;
      if (label.values.size >= MOST.values || label.values.has(value)) continue;
      if (label.characters + value.length > MOST.characters) continue;
      label.values.add(value);
      label.characters += value.length;
    }
  }
  const most = [...codes].toSorted(([, a], [, b]) => b - a).slice(0, MOST.codes);
  const listed = [...labels].toSorted(([, a], [, b]) => b.hosts - a.hosts).slice(0, MOST.labels);
  // A code or a label may have the name of what every object has, such as `constructor`: as entries they are harmless.
  return {
    hosts,
    attention: Object.fromEntries(most),
    labels: Object.fromEntries(
      listed.map(([name, { values }]) => [name, [...values].sort()] as const).toSorted(byName),
    ),
    version,
  };
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
