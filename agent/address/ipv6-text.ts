/**
 * IPv6 addresses in their usual notation (RFC 5952), read and written without a library: an `apply` that changes nothing
 * does this, and the library's expressions take a millisecond to compile.
 */

const GROUPS = 8;

/** The usual notation of sixteen bytes in network order. */
export function ipv6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: GROUPS }, (_, n) => (bytes[2 * n]! << 8) | bytes[2 * n + 1]!);
  const { start, length } = longestZeros(groups);
  const hex = (some: readonly number[]) => some.map((group) => group.toString(16)).join(':');
  return length < 2 ? hex(groups) : `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

/** The sixteen bytes; null if the text is no address, or has a zone or a part in IPv4's notation. */
export function ipv6Bytes(text: string): number[] | null {
  const [head = '', tail, ...more] = text.split('::');
  const [before, after] = [groupsOf(head), groupsOf(tail ?? '')];
  const left = GROUPS - before.length - after.length;
  // `::` stands for at least one group.
  if (more.length > 0 || (tail === undefined ? left !== 0 : left < 1)) return null;
  const groups = [...before, ...Array.from({ length: left }, () => 0), ...after];
  return groups.some(Number.isNaN) ? null : groups.flatMap((group) => [group >> 8, group & 0xff]);
}

function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').map((group) => (/^[0-9a-f]{1,4}$/i.test(group) ? Number.parseInt(group, 16) : Number.NaN));
}

/** The first of the longest runs of zeros. */
function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < GROUPS; start += 1) {
    let length = 0;
    while (groups[start + length] === 0) length += 1;
    if (length > best.length) best = { start, length };
    start += length;
  }
  return best;
}
