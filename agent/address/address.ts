/** Addresses of IPv4 and IPv6 as text. The checkers of agent/config decide whether a text is an address. */

export type Family = 'ipv4' | 'ipv6';

/** The family of an address or network. IPv6 text has a colon in every notation, and IPv4 text has none. */
export function familyOf(address: string): Family {
  return address.includes(':') ? 'ipv6' : 'ipv4';
}

/** An address, or a name, in the form that a URL has before the port (RFC 3986, 3.2.2). */
export function hostInUrl(host: string): string {
  return familyOf(host) === 'ipv6' ? `[${host}]` : host;
}
