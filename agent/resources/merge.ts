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
  if (current === null) return before; // another program removed it, and with it what was there before us
  const text = applyPatch(current, reversePatch(structuredPatch('', '', before ?? '', after ?? '')));
  return text === false ? undefined : text;
}
