/** Whether a value that was read from a text has named entries: an object, and no list. */
export function isMap(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
