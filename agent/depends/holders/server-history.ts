/**
 * Which name servers each file named, and when: a program that reads a list once holds the list of its start. The daemon
 * writes this record after each look.
 */
import type { IpAddress } from '../../address/accepted.ts';
import { ipAddress } from '../../address/address-checks.ts';
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { STATE_FOLDER } from '../../host/paths.ts';

export const HISTORY = `${STATE_FOLDER}/nameserver-history`;

/**
 * Milliseconds between two looks in which at most one change was missed: the daemon looks every 5 minutes, and after each
 * change.
 */
const LONGEST_GAP = 600_000;
/** The most lists that are kept of one source; the oldest go first. */
const MOST = 32;

export interface KeptList {
  /** Milliseconds since the epoch: from when the source is known to have named exactly these. */
  readonly since: number;
  /** Milliseconds since the epoch: the last look that found the same. */
  readonly until: number;
  /** Sorted. */
  readonly addresses: readonly IpAddress[];
}

/** By the name of the source: `resolv.conf`, `nginx`. Oldest first. */
export type ServerHistory = Readonly<Record<string, readonly KeptList[]>>;

/** Empty if nothing was recorded yet, or the record is damaged. */
export function loadHistory(host: Host): ServerHistory {
  try {
    const kept = JSON.parse(nullIfRefused(() => host.readText(HISTORY)) ?? '{}') as unknown;
    if (typeof kept !== 'object' || kept === null) return {};
    return Object.fromEntries(Object.entries(kept).filter(([, lists]) => Array.isArray(lists) && lists.every(isList)));
  } catch {
    return {};
  }
}

function isList(value: unknown): value is KeptList {
  const { since, until, addresses } = (value ?? {}) as Partial<KeptList>;
  const sound = typeof since === 'number' && typeof until === 'number' && Array.isArray(addresses);
  return sound && addresses.every((one) => typeof one === 'string' && ipAddress(one) === one);
}

/** Throws HostError if the record cannot be written. */
export function saveHistory(host: Host, history: ServerHistory): void {
  host.makeFolder(STATE_FOLDER, 0o755);
  host.replaceOwn(HISTORY, JSON.stringify(history), 0o600);
}

export interface SeenList {
  readonly addresses: readonly IpAddress[];
  /** Milliseconds since the epoch: when the source's files changed last. */
  readonly changed: number;
}

/** The history after a look. `now`: when the look began, in milliseconds since the epoch. */
export function extended(history: ServerHistory, seen: Readonly<Record<string, SeenList>>, now: number): ServerHistory {
  const next: Record<string, readonly KeptList[]> = { ...history };
  for (const [source, { addresses, changed }] of Object.entries(seen)) {
    const lists = history[source] ?? [];
    const last = lists.at(-1);
    const sorted = [...new Set(addresses)].sort();
    // A file that was written while nobody looked may have had another list in between.
    const isSame = last !== undefined && String(last.addresses) === String(sorted);
    if (isSame && changed - last.until <= LONGEST_GAP) {
      next[source] = [...lists.slice(0, -1), { ...last, until: now }];
      continue;
    }
    // A clock that was set back, or a time stamp of the future, must not make a list older or younger than its look.
    const since = Math.min(now, Math.max(changed, last?.until ?? 0));
    next[source] = [...lists, { since, until: now, addresses: sorted }].slice(-MOST);
  }
  return next;
}

/**
 * The addresses that a program may have read since its start: many read their list at their first question, and some read
 * it again. The present list is left out, unless it is the only one. `start`, and `changed` (the last change of the
 * source's file), in milliseconds since the epoch. null if nobody looked for a part of that time.
 */
export function namedSince(
  history: ServerHistory,
  source: string,
  start: number,
  changed: number,
): readonly IpAddress[] | null {
  const lists = history[source] ?? [];
  const first = lists.findLastIndex(({ since }) => since <= start);
  if (first === -1) return null;
  const held = lists.slice(first);
  const ends = [...held.slice(1).map(({ since }) => since), changed];
  if (held.some(({ until }, at) => ends[at]! - until > LONGEST_GAP)) return null;
  const isPresent = changed <= held.at(-1)!.until;
  const earlier = isPresent && held.length > 1 ? held.slice(0, -1) : held;
  return [...new Set(earlier.flatMap(({ addresses }) => addresses))];
}
