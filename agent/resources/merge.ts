/** Telling Holdfast's change of a file from everybody else's. */
import { applyPatch, reversePatch, structuredPatch } from 'diff';

/**
 * The current text with our change (`before` to `after`) taken back and everybody else's kept; undefined where the two
 * cannot be told apart. null: no file.
 */
export function withoutOurs(
  current: string | null,
  before: string | null,
  after: string | null,
): string | null | undefined {
  if (current === null) return null; // it is gone: nothing of ours is left in it
  const text = applyPatch(current, reversePatch(structuredPatch('', '', before ?? '', after ?? '')));
  return text === false ? undefined : text;
}
