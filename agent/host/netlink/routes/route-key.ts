/** The key of a route, without its bytes, so that code which only keeps a list of routes loads no more. */
import type { Prefix } from '../../../address/accepted.ts';
import type { Family } from '../../../address/address.ts';

/**
 * The parts that distinguish a route from every other: the kernel holds several routes of one destination and table by
 * their metrics.
 */
export interface RouteKey {
  readonly family: Family;
  readonly destination: Prefix;
  readonly table: number;
  readonly metric: number;
}

/** The same text for the same key, for maps and sets: `ipv4 10.0.0.0/16 254 0`. */
export function keyText({ family, destination, table, metric }: RouteKey): string {
  return `${family} ${destination} ${table} ${metric}`;
}

export function sameKey(a: RouteKey, b: RouteKey): boolean {
  return (['family', 'destination', 'table', 'metric'] as const).every((field) => a[field] === b[field]);
}
