/** Everything that can need attention: its code in the API, the most urgent first. */

/** @type {Record<string, { name: string, level: 'bad' | 'warn' }>} */
const known = {
  silent: { name: 'Silent', level: 'bad' },
  'memory-error': { name: 'Memory errors', level: 'bad' },
  'table-near-limit': { name: 'Table near its limit', level: 'bad' },
  'duplicate-id': { name: 'Duplicate id', level: 'bad' },
  clock: { name: 'Wrong clock', level: 'warn' },
  drifted: { name: 'Drifted', level: 'warn' },
  'stale-dhclient': { name: 'Stale dhclient', level: 'warn' },
};

/** @param {string} code @returns {{ name: string, level: 'bad' | 'warn' }} */
export function attention(code) {
  if (Object.hasOwn(known, code)) return /** @type {{ name: string, level: 'bad' }} */ (known[code]);
  const words = code.replaceAll('-', ' ');
  return { name: words.charAt(0).toUpperCase() + words.slice(1), level: 'warn' };
}

/**
 * The known codes, followed by all others in `counts`.
 * @param {Readonly<Record<string, number>>} counts
 */
export function allCodes(counts) {
  return [...new Set([...Object.keys(known), ...Object.keys(counts).sort()])];
}
