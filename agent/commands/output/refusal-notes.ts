/** Refusals of artifacts. One reason, such as two clients at one interface, may refuse many artifacts. */
import { titleOf } from '../../hold/finding-kinds.ts';
import type { Finding } from '../../hold/resource.ts';

/** How many titles a note names before it counts the others. */
const MOST_TITLES = 3;

/** One note for each reason. */
export function refusalNotes(findings: readonly Finding[]): string[] {
  const refused = findings.filter(({ refusal }) => refusal !== undefined);
  const byReason = Map.groupBy(refused, ({ refusal }) => refusal);
  return [...byReason].map(([reason, members]) => `${listed(members.map(titleOf))}: ${reason}`);
}

function listed(titles: readonly string[]): string {
  const most = titles.slice(0, MOST_TITLES).join(', ');
  return titles.length <= MOST_TITLES ? most : `${most} and ${titles.length - MOST_TITLES} more`;
}

/** Says each reason once. Later ones refer to it. */
export function onceEach(): (reason: string) => string {
  const said = new Set<string>();
  return (reason) => {
    if (said.has(reason)) return 'for the same reason';
    said.add(reason);
    return reason;
  };
}
