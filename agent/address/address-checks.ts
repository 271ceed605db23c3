/** The checkers of addresses and networks. */
import ipaddr from 'ipaddr.js';
import type { InterfaceName, IpAddress, Prefix, ServerAddress, SortlistPair } from './accepted.ts';
import { familyOf } from './address.ts';
import { isDotted } from './dotted.ts';
import { ipv6Text } from './ipv6-text.ts';

/** The address in its usual notation; null if the text is no address in full notation, or has a zone. */
export function ipAddress(text: string): IpAddress | null {
  if (isDotted(text)) return text;
  return isAddress(text) ? (ipaddr.parse(text).toString() as IpAddress) : null;
}

/**
 * The same for code that compares servers: an IPv4 address that is mapped into IPv6 (`::ffff:10.0.0.1`) is its IPv4
 * address, because the kernel sends both to the same server.
 */
export function unmappedAddress(text: string): IpAddress | null {
  return isAddress(text) ? (ipaddr.process(text).toString() as IpAddress) : null;
}

/** The address of four or sixteen bytes in network order. Throws for any other number of bytes. */
export function addressOfBytes(bytes: Uint8Array): IpAddress {
  if (bytes.length === 4) return bytes.join('.') as IpAddress;
  if (bytes.length !== 16) throw new RangeError(`${bytes.length} bytes are no address`);
  return ipv6Text(bytes) as IpAddress;
}

/** 4 or 16 bytes. */
export function bytesOfAddress(address: IpAddress): Buffer {
  return Buffer.from(ipaddr.parse(address).toByteArray());
}

export function withZone(address: IpAddress, zone: InterfaceName): ServerAddress {
  return `${address}%${zone}` as ServerAddress;
}

/** The name of the special range that the address is in, as ipaddr.js calls it; `unicast` for most addresses. */
export function rangeOf(address: IpAddress): string {
  return ipaddr.parse(address).range();
}

/** The network of this length that holds the address. Throws if the length is none of the family. */
export function prefixHolding(address: IpAddress, length: number): Prefix {
  const parsed = ipaddr.parse(address);
  const family = parsed.kind() === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6;
  return prefixOf(family.networkAddressFromCIDR(`${address}/${length}`).toString() as IpAddress, length);
}

/** The network with this address, which has no host bits. */
export function prefixOf(network: IpAddress, length: number): Prefix {
  return `${network}/${length}` as Prefix;
}

/** The sortlist's pair of an IPv4 network without host bits. */
export function sortlistPair(network: IpAddress, length: number): SortlistPair {
  return `${network}/${ipaddr.IPv4.subnetMaskFromPrefixLength(length)}` as SortlistPair;
}

/** The network that the text names; null if it names none, or has host bits. */
export function ipPrefix(text: string): Prefix | null {
  const [, address = '', length = ''] = /^([0-9a-f.:]+)\/(0|[1-9][0-9]{0,2})$/.exec(text) ?? [];
  const network = ipAddress(address);
  if (network === null || Number(length) > (familyOf(network) === 'ipv4' ? 32 : 128)) return null;
  const found = prefixHolding(network, Number(length));
  return found === text ? found : null;
}

function isAddress(text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text) || (/^[0-9a-fA-F:.]+$/.test(text) && ipaddr.IPv6.isValid(text));
}
