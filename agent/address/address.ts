/** Addresses of IPv4 and IPv6 as text. Whether a text is one, the checkers of agent/config say. */

export type Family = 'ipv4' | 'ipv6';

/** Of an address or network. A text of IPv6 has a colon in every notation, and one of IPv4 in none. */
export function familyOf(address: string): Family {
  return address.includes(':') ? 'ipv6' : 'ipv4';
}

/** An address, or a name, as a URL has it before the port (RFC 3986, 3.2.2). */
export function hostInUrl(host: string): string {
  return familyOf(host) === 'ipv6' ? `[${host}]` : host;
}
