/** Domain names in DHCP options: option 119 (RFC 3397, with pointers) and option 24 of DHCPv6 (RFC 8415, without). */

const POINTER = 0xc0;

/** The names without the last dot; none of an option that is no list of names. They are hostile text. */
export function optionDomains(data: Buffer | undefined): string[] {
  const names: string[] = [];
  for (let at = 0; data !== undefined && at < data.length; ) {
    const read = readName(data, at);
    if (read === null) return [];
    if (read.name !== '') names.push(read.name);
    at = read.end;
  }
  return names;
}

/** null for a name that runs over the end. A pointer leads only backwards (RFC 1035, 4.1.4), so reading ends. */
function readName(data: Buffer, from: number): { name: string; end: number } | null {
  const labels: string[] = [];
  let end: number | null = null;
  for (let at = from, before = from; ; ) {
    const length = data[at];
    if (length === undefined) return null;
    if (length === 0) return { name: labels.join('.'), end: end ?? at + 1 };
    if ((length & POINTER) === POINTER) {
      const to = ((length & ~POINTER) << 8) | (data[at + 1] ?? 0);
      if (at + 1 >= data.length || to >= before) return null;
      end ??= at + 2;
      at = to;
      before = to;
      continue;
    }
    if ((length & POINTER) !== 0 || at + 1 + length > data.length) return null;
    labels.push(data.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
}
