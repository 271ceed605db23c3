/** Checks of what the database's rows hold: a damaged or foreign database may hold anything. */
import type { StoredHost } from './stored.ts';

/** A condition that a row's number is an exact integer in JavaScript. */
export function safe(column: string): string {
  return `${column} BETWEEN 0 AND ${Number.MAX_SAFE_INTEGER - 1}`;
}

/** Throws if the value is no number that we store. */
export function asNumber(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError('not a number of ours');
  return value;
}

/** Throws if the value is no object. */
export function asObject(value: unknown): object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('not an object');
  return value;
}

/** Throws if the value is no list of memory errors. */
export function asMemoryErrors(value: unknown): StoredHost['memoryErrors'] {
  const pairs = value as StoredHost['memoryErrors'];
  const sound = pairs.every(([hour, { counted, events }]) => [hour, counted, events].every(Number.isFinite));
  if (!sound) throw new TypeError('not numbers');
  return pairs;
}
