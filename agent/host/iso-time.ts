/** ISO 8601 in UTC, to the second. `time`: milliseconds since the epoch. */
export function isoTime(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');
}
