/** By what a route is known: apart from its bytes, so that whoever only keeps a list of routes loads no more. */
import type { Family } from './message.ts';

/** What tells a route from every other: the kernel holds several of one destination and table by their metrics. */
export interface RouteKey {
  readonly family: Family;
  /** `10.0.0.0/16` */
  readonly destination: string;
  readonly table: number;
  readonly metric: number;
}

export function sameKey(a: RouteKey, b: RouteKey): boolean {
  return (['family', 'destination', 'table', 'metric'] as const).every((field) => a[field] === b[field]);
}
