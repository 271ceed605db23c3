/** Addresses of IPv4 and IPv6 as text. */
import type { IpAddress, Prefix, ServerAddress } from './accepted.ts';

export type Family = 'ipv4' | 'ipv6';

/** IPv6 text has a colon in every notation, and IPv4 text has none. */
export function familyOf(address: ServerAddress | Prefix): Family {
  return hasColon(address) ? 'ipv6' : 'ipv4';
}

export function isPrefix(value: IpAddress | Prefix): value is Prefix {
  return value.includes('/');
}

/** An address, or a name, in the form that a URL has before the port (RFC 3986, 3.2.2). */
export function hostInUrl(host: string): string {
  return hasColon(host) ? `[${host}]` : host;
}

/** The opposite: the address or name without the brackets of a URL. */
export function bareHost(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}

function hasColon(text: string): boolean {
  return text.includes(':');
}
