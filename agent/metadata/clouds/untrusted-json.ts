/** Checks for JSON from an untrusted sender. */
import { isMap } from '../../config/plain-map.ts';

/** Parses the text. Throws an Error with a sentence if it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(text.trim() === '' ? 'its answer is empty' : 'its answer is no JSON, or was cut off');
  }
}

/** A list of at least one object. Throws an Error with a sentence if it is anything else. */
export function listOfMaps(found: unknown, what: string): Record<string, unknown>[] {
  if (!Array.isArray(found) || !found.every(isMap)) throw new Error(`${what} is none`);
  if (found.length === 0) throw new Error(`${what} is empty`);
  return found;
}
