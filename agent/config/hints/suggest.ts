/** The nearest known name, for an unknown name. */
import { closest, distance } from 'fastest-levenshtein';

/** More names than these are no help in one line. */
const MOST_LISTED = 18;

/** `; did you mean "nameservers"?`. If no name is near: all known names, if the list is short enough to read. */
export function didYouMean(name: string, known: readonly string[]): string {
  // The comparison takes time with both lengths, and nobody mistypes a name of that length.
  const nearest = known.length > 0 && name.length <= 64 ? closest(name.toLowerCase(), known) : undefined;
  const away = nearest === undefined ? Number.POSITIVE_INFINITY : distance(name.toLowerCase(), nearest);
  // If two words share no letter, neither is a slip of the other word.
  if (
    nearest !== undefined &&
    away <= Math.max(2, nearest.length / 3) &&
    away < Math.min(name.length, nearest.length)
  ) {
    return `; did you mean "${nearest}"?`;
  }
  if (known.length === 1) return `; write ${known[0]}`;
  return known.length > 0 && known.length <= MOST_LISTED ? `; write one of ${known.join(', ')}` : '';
}

/** Other tools' words for a key, and the keys that they may mean, the likeliest first. */
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  gateway: ['via', 'router'],
  gw: ['via', 'router'],
  nexthop: ['via'],
  'next-hop': ['via'],
  destination: ['to'],
  dest: ['to'],
  dst: ['to'],
  network: ['to', 'from'],
  prefix: ['to'],
  target: ['to'],
  subnet: ['to', 'from'],
  interface: ['dev', 'out'],
  iface: ['dev', 'out'],
  device: ['dev', 'out'],
  ifname: ['dev', 'out'],
  source: ['src', 'from'],
  priority: ['metric'],
  servers: ['nameservers'],
  addresses: ['nameservers'],
  domains: ['search'],
  'search-domains': ['search'],
  url: ['endpoint'],
  host: ['endpoint'],
  server: ['endpoint'],
  collector: ['endpoint'],
  cert: ['certificate'],
  file: ['path'],
  tags: ['labels'],
  override: ['supersede'],
  except: ['without'],
  min: ['atLeast'],
  minimum: ['atLeast'],
};

/** The known key for another tool's word; null if there is none. */
export function synonym(name: string, known: readonly string[]): string | null {
  return (Object.hasOwn(SYNONYMS, name) ? SYNONYMS[name] : [])?.find((key) => known.includes(key)) ?? null;
}
