/**
 * The last advertisement of a router (RFC 4861, 4.2), as far as a client or the kernel recorded it. Another router can send
 * it again.
 */
import type { IpAddress, Prefix } from '../address/accepted.ts';
import type { RouterPreference } from '../host/netlink/routes/seen-route.ts';

/**
 * All lifetimes are seconds as the router sent them, or what is left of them if the record says no more; INFINITE
 * (known-lease.ts): for ever.
 */
export interface RecordedAdvertisement {
  /** The router's link-local address, without a zone. */
  readonly router: IpAddress;
  /** The M flag: addresses come by DHCPv6. */
  readonly managed: boolean;
  /** The O flag: other settings come by DHCPv6. */
  readonly other: boolean;
  /** Seconds (at most 65535) for which the router is a default router; 0: it is none. */
  readonly lifetime: number;
  readonly preference: RouterPreference;
  /** The hop limit that hosts shall use; 0: the advertisement names none. */
  readonly hopLimit: number;
  /** Bytes; null: the advertisement names none. */
  readonly mtu: number | null;
  readonly prefixes: readonly AdvertisedPrefix[];
  /** Route information (RFC 4191). */
  readonly routes: readonly AdvertisedRoute[];
  /** RDNSS (RFC 8106), one option each. */
  readonly servers: readonly { readonly addresses: readonly IpAddress[]; readonly lifetime: number }[];
  /** DNSSL (RFC 8106), one option each. */
  readonly domains: readonly { readonly names: readonly string[]; readonly lifetime: number }[];
}

export interface AdvertisedPrefix {
  readonly prefix: Prefix;
  /** The L flag: hosts reach the prefix's addresses without a router. */
  readonly onLink: boolean;
  /** The A flag: hosts make themselves an address of the prefix (SLAAC). */
  readonly autonomous: boolean;
  readonly valid: number;
  readonly preferred: number;
}

export interface AdvertisedRoute {
  readonly prefix: Prefix;
  readonly preference: RouterPreference;
  readonly lifetime: number;
}
