/** Addresses in the texts of other programs, compared by value: every spelling of an address counts as that address. */
import ipaddr from 'ipaddr.js';
import type { IpAddress } from '../address/accepted.ts';
import { rangeOf, unmappedAddress } from '../address/address-checks.ts';

/**
 * The canonical form of one address: `10.0.0.1`, `2001:db8::1`. A zone (`%eth0`) is left out, and an IPv4 address that
 * is mapped into IPv6 becomes its IPv4 address. null if the text is no address, or is the unspecified address.
 */
export function canonicalAddress(text: string): IpAddress | null {
  const [bare = ''] = text.replace(/^\[(.*)\]$/s, '$1').split('%', 1);
  const address = unmappedAddress(bare);
  return address === null || rangeOf(address) === 'unspecified' ? null : address;
}

/** Whether programs reach only this host by the address, so that a forwarder of this host answers. */
export function isLoopbackAddress(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.parse(address).range() === 'loopback';
}

export interface FoundAddress {
  /** In canonical form. */
  readonly address: IpAddress;
  /** The offset of its first character in the text. */
  readonly at: number;
}

/** Ends where a port (`#53`, `@53`, `]:53`), a prefix length (`/24`) or a zone (`%eth0`) begins. */
const IPV6 = /(?<![\w:.])[0-9a-f]{0,4}:[0-9a-f:.]{1,45}(?![\w:])/gi;
/** Not a part of a longer name or number: `1.2.3.4.5`, `4.3.2.1.in-addr.arpa`. */
const IPV4 = /(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\.?\w)/g;

/** Every address in a text, in the order of the text. `10.0.0.5/24` names the address 10.0.0.5. */
export function addressesIn(text: string): FoundAddress[] {
  const found: FoundAddress[] = [];
  // An IPv4 address at the end of an IPv6 address is no address of its own.
  const rest = text.replace(IPV6, (match, at: number) => {
    const [word = ''] = /^.*[^.:]|^.*::/.exec(match) ?? [];
    const address = canonicalAddress(word);
    if (address === null) return match;
    found.push({ address, at });
    return ' '.repeat(match.length);
  });
  for (const { 0: word, index } of rest.matchAll(IPV4)) {
    const address = canonicalAddress(word);
    if (address !== null) found.push({ address, at: index });
  }
  return found.sort((a, b) => a.at - b.at);
}
