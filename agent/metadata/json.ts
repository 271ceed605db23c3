/** JSON from somebody who may say anything. */

/** Throws an Error with a sentence. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(text.trim() === '' ? 'its answer is empty' : 'its answer is no JSON, or was cut off');
  }
}

/** One that has at least one. Throws an Error with a sentence. */
export function listOfMaps(found: unknown, what: string): Record<string, unknown>[] {
  if (!Array.isArray(found) || !found.every(isMap)) throw new Error(`${what} is none`);
  if (found.length === 0) throw new Error(`${what} is empty`);
  return found;
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
