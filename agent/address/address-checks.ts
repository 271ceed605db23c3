/** The checkers of addresses and networks. */
import ipaddr from 'ipaddr.js';
import type { IpAddress } from './accepted.ts';

/** The address in its usual notation; null if the text is no address in full notation, or has a zone. */
export function ipAddress(text: string): IpAddress | null {
  return isAddress(text) ? (ipaddr.parse(text).toString() as IpAddress) : null;
}

/**
 * The same for code that compares servers: an IPv4 address that is mapped into IPv6 (`::ffff:10.0.0.1`) is its IPv4
 * address, because the kernel sends both to the same server.
 */
export function unmappedAddress(text: string): IpAddress | null {
  return isAddress(text) ? (ipaddr.process(text).toString() as IpAddress) : null;
}

function isAddress(text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text) || (/^[0-9a-fA-F:.]+$/.test(text) && ipaddr.IPv6.isValid(text));
}
