/** IPv4 in dotted decimal, checked without a library: an `apply` that changes nothing loads this. */
import type { IpAddress, SortlistPair } from './accepted.ts';

/** Without leading zeros, which some programs take for octal. */
const DOTTED = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

export function isDotted(text: string): text is IpAddress {
  return DOTTED.test(text);
}

/** The sortlist's pair of one address. */
export function hostPair(dotted: IpAddress): SortlistPair {
  return `${dotted}/255.255.255.255` as SortlistPair;
}
