/**
 * Joins the configuration and the measurements into the whole desired state, in which every sortlist entry is a pair.
 */
import type { IpAddress, SortlistPair } from '../address/accepted.ts';
import { hostPair } from '../address/dotted.ts';
import type { ConfiguredState, DesiredState, Nearest, SortlistEntry } from '../config/desired.ts';
import { MAX_SORTLIST } from '../config/notation/limits.ts';
import { type Measurements, targetOf } from './measurement-record.ts';

/** The names to measure, in the order of the configuration. */
export function nearestOf({ dns }: ConfiguredState): Nearest[] {
  return (dns?.sortlist ?? []).filter((entry) => typeof entry !== 'string');
}

/**
 * Puts each name's addresses in its place, the nearest first. All configured networks stay; the farthest addresses are
 * left out if there are more than libc reads. If only names are configured and none was ever measured, no sortlist is
 * wanted, and the present line stays.
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
    return typeof entry === 'string' ? [entry] : (shares.get(targetOf(entry)) ?? []).map(hostPair);
  });
  return pairs.length === 0 && entries.length > 0 ? null : [...new Set(pairs)];
}

/**
 * The written addresses of each target: the nearest of every target, then more of the first targets while there is
 * room.
 */
export function sharesOf(entries: readonly SortlistEntry[], measured: Measurements): Map<string, IpAddress[]> {
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
