/**
 * The summary of the fleet: the number of hosts, their needs and labels. Its length is bounded, however many hosts
 * there are.
 */
import type { HostRow, SummaryAnswer } from '../api.ts';

/**
 * The most values of one label, their characters, labels, and codes; the most frequent are kept. Every open page gets
 * the summary each second, so no sender may make it long.
 */
const MOST = { values: 200, characters: 8_000, labels: 50, codes: 100, changes: 20 } as const;
/** The most labels, codes and changes that are counted. */
const COUNTED = 10_000;

/** The part that is of the hosts' rows. */
export type FleetSummary = Omit<SummaryAnswer, 'trouble' | 'rollouts'>;

export function summarize(rows: Iterable<HostRow>, version: string): FleetSummary {
  let hosts = 0;
  const codes = new Map<string, number>();
  const changes = new Map<string, number>();
  const unseen = new Map<string, number>();
  const labels = new Map<string, { hosts: number; characters: number; values: Set<string> }>();
  for (const row of rows) {
    hosts += 1;
    for (const { code } of row.attention) countOne(codes, code);
    if (row.provisional !== null) countOne(changes, row.provisional);
    if (row.unseen !== null) countOne(unseen, row.unseen.change);
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
  const listed = [...labels].toSorted(([, a], [, b]) => b.hosts - a.hosts).slice(0, MOST.labels);
  // A code or a label may have the name of a property of every object, such as `constructor`. Entries of a map are
  // safe.
  return {
    hosts,
    attention: Object.fromEntries(mostOf(codes, MOST.codes)),
    labels: Object.fromEntries(
      listed.map(([name, { values }]) => [name, [...values].sort()] as const).toSorted(byName),
    ),
    provisional: hostsByChange(changes),
    unseen: hostsByChange(unseen),
    version,
  };
}

function hostsByChange(changes: ReadonlyMap<string, number>): SummaryAnswer['provisional'] {
  return mostOf(changes, MOST.changes).map(([change, hosts]) => ({ change, hosts }));
}

function countOne(counts: Map<string, number>, name: string): void {
  if (counts.size < COUNTED || counts.has(name)) counts.set(name, (counts.get(name) ?? 0) + 1);
}

function mostOf(counts: ReadonlyMap<string, number>, most: number): [string, number][] {
  return [...counts].toSorted(([, a], [, b]) => b - a).slice(0, most);
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
