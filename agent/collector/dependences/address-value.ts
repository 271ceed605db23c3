/** Compares addresses by value, however they are written. */
import type { IpAddress } from '../../address/accepted.ts';
import { unmappedAddress } from '../../address/address-checks.ts';

/** The most characters of an address with its zone: 39 for IPv6, 1, and 15 for an interface. */
const LONGEST = 64;

/**
 * The canonical form: `10.0.0.1`, `2001:db8::1`. An IPv4 address that is mapped into IPv6 (`::ffff:10.0.0.1`) is its
 * IPv4 address. A zone (`%eth0`) is left out, because each host has names of its own for its links. null if the text is
 * no address.
 */
export function addressValue(text: string): IpAddress | null {
  if (text.length > LONGEST) return null;
  const [address = '', zone] = text.split(/%(.*)/s);
  return zone === '' ? null : unmappedAddress(address);
}
