/** The configuration and what was measured → the desired state, whole: every entry of the sortlist is a pair then. */
import type { ConfiguredState, DesiredState, Nearest, SortlistEntry, SortlistPair } from '../config/desired.ts';
import { MAX_SORTLIST } from '../config/limits.ts';
import { type Measurements, targetOf } from './record.ts';

/** The names that are to be measured, in the order of the configuration. */
export function nearestOf({ dns }: ConfiguredState): Nearest[] {
  return (dns?.sortlist ?? []).filter((entry) => typeof entry !== 'string');
}

/**
 * Each name's addresses stand in its place, the nearest first. The networks of the configuration all stay; of the
 * addresses the farthest are left out where there are more than libc reads. Where only names are configured and none was
 * ever measured nothing is wanted of the sortlist: the line that is there stays.
 */
export function complete(configured: ConfiguredState, measured: Measurements): DesiredState {
  const { dns } = configured;
  if (dns === null) return { ...configured, dns };
  const { sortlist } = dns;
  return { ...configured, dns: { ...dns, sortlist: sortlist === null ? null : completeSortlist(sortlist, measured) } };
}

function completeSortlist(entries: readonly SortlistEntry[], measured: Measurements): SortlistPair[] | null {
  const shares = sharesOf(entries, measured);
  const pairs = entries.flatMap((entry) => {
    return typeof entry === 'string' ? [entry] : (shares.get(targetOf(entry)) ?? []).map(pairOf);
  });
  return pairs.length === 0 && entries.length > 0 ? null : [...new Set(pairs)];
}

/** The addresses of each measured target that are written: each has its nearest in, what room is left goes to the first ones. */
export function sharesOf(entries: readonly SortlistEntry[], measured: Measurements): Map<string, string[]> {
  const targets = entries
    .filter((entry) => typeof entry !== 'string')
    .map(targetOf)
    .filter((target) => (measured[target]?.order.length ?? 0) > 0);
  const networks = entries.filter((entry) => typeof entry === 'string');
  let room = MAX_SORTLIST - networks.length - targets.length;
  return new Map(
    targets.map((target) => {
      const all = measured[target]?.order.map(({ address }) => address) ?? [];
      const share = all.slice(0, 1 + room);
      room -= Math.max(0, share.length - 1);
      return [target, share];
    }),
  );
}

function pairOf(address: string): SortlistPair {
  return `${address}/255.255.255.255`;
}
