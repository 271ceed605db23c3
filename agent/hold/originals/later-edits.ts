/** Separates Holdfast's change of a file from other changes. */
import { applyPatch, reversePatch, structuredPatch } from 'diff';

/**
 * The current text with our change (`before` to `after`) undone and all other changes kept; undefined if they cannot be
 * separated. null means no file.
 */
export function withoutOurs(
  current: string | null,
  before: string | null,
  after: string | null,
): string | null | undefined {
  if (current === null) return before; // another program removed it, together with the earlier content
  const text = applyPatch(current, reversePatch(structuredPatch('', '', before ?? '', after ?? '')));
  return text === false ? undefined : text;
}
