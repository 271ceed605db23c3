/** Addresses in the ledger's keys: bytes in network order → canonical text. */
import ipaddr from 'ipaddr.js';

/** `10.0.0.1`, `2001:db8::1`. Another number of bytes than 4 or 16 throws. */
export function addressText(bytes: Buffer): string {
  const address = ipaddr.fromByteArray([...bytes]);
  return address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString();
}

/** The canonical text of an address in any notation. */
export function canonical(address: string): string {
  const parsed = ipaddr.parse(address);
  return parsed instanceof ipaddr.IPv6 ? parsed.toRFC5952String() : parsed.toString();
}
