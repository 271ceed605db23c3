/** The nearest known name, for an unknown one. */
import { closest, distance } from 'fastest-levenshtein';

/** `; did you mean "nameservers"?`, or, where nothing is near, all that is known if that is short enough to read. */
export function didYouMean(name: string, known: readonly string[]): string {
  // The measure takes time with both lengths, and nobody mistypes so long a name.
  const nearest = known.length > 0 && name.length <= 64 ? closest(name.toLowerCase(), known) : undefined;
  if (nearest !== undefined && distance(name.toLowerCase(), nearest) <= Math.max(2, nearest.length / 3)) {
    return `; did you mean "${nearest}"?`;
  }
  if (known.length === 1) return `; write ${known[0]}`;
  return known.length > 0 && known.length <= 12 ? `; write one of ${known.join(', ')}` : '';
}
