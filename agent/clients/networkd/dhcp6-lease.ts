/**
 * A link's DHCPv6 lease and router advertisements, as networkctl(1) shows them. systemd-networkd keeps neither on the disk, so
 * we ask for those in use. systemd 257 also tells when the lease is renewed, and systemd 252 does not.
 */
import type { IpAddress } from '../../address/accepted.ts';
import { addressOfBytes } from '../../address/address-checks.ts';
import type { Host } from '../../host/host.ts';
import { sinceBoot } from '../../host/process/processes.ts';

export interface LinkSix {
  /** `NDisc`: router advertisements. */
  readonly source: 'DHCPv6' | 'NDisc';
  /** null if the sender gave other values only. */
  readonly address: string | null;
  /** Milliseconds since the epoch; null if systemd-networkd does not tell. */
  readonly renews: number | null;
  /** null if none of the sender's is in use: it sends none, or they are not taken. */
  readonly nameservers: readonly string[] | null;
  readonly search: readonly string[] | null;
  readonly ntp: readonly string[] | null;
  /** Default routers. No router comes by DHCPv6. */
  readonly routers: readonly string[];
}

/** By DHCPv6, then by router advertisements. Empty if the link has neither, or if systemd-networkd does not tell. */
export function linkSix(host: Host, link: string): LinkSix[] {
  const told = toldOf(host, link);
  if (told === null) return [];
  return (['DHCPv6', 'NDisc'] as const).flatMap((source) => {
    const routes = from(told.Routes, source);
    const [address = null] = addressesFrom(told.Addresses, source);
    const nameservers = addressesFrom(told.DNS, source);
    const search = from(told.SearchDomains, source).flatMap(({ Domain }) =>
      typeof Domain === 'string' ? [Domain] : [],
    );
    const ntp = addressesFrom(told.NTP, source);
    if (address === null && [routes, nameservers, search, ntp].every(({ length }) => length === 0)) return [];
    // Microseconds since the boot, with the time of a suspend.
    const renewal = source === 'DHCPv6' ? told.DHCPv6Client?.Lease?.Timeout1USec : undefined;
    return [
      {
        source,
        address,
        renews: typeof renewal === 'number' ? Math.round(Date.now() - sinceBoot() + renewal / 1000) : null,
        nameservers: listed(nameservers),
        search: listed(search),
        ntp: listed(ntp),
        routers: routes.flatMap(({ DestinationPrefixLength, Gateway }) =>
          DestinationPrefixLength === 0 ? (addressIn(Gateway) ?? []) : [],
        ),
      },
    ];
  });
}

/** null if systemd-networkd does not tell: before systemd 248, networkctl has no JSON. */
export function toldOf(host: Host, link: string): ToldLink | null {
  const { status, stdout } = host.run('networkctl', ['--json=short', 'status', link]);
  return status === 0 ? parsed(stdout) : null;
}

export interface ToldLink {
  readonly Addresses?: unknown;
  readonly Routes?: unknown;
  readonly DNS?: unknown;
  readonly NTP?: unknown;
  readonly SearchDomains?: unknown;
  readonly DHCPv6Client?: { readonly Lease?: { readonly Timeout1USec?: unknown } };
}

/** An address, a route, a server or a domain, with the way by which systemd-networkd has it, and the sender. */
export interface Entry {
  readonly Address?: unknown;
  readonly DestinationPrefixLength?: unknown;
  readonly Gateway?: unknown;
  readonly Domain?: unknown;
  readonly ConfigSource?: unknown;
  readonly ConfigProvider?: unknown;
}

function parsed(json: string): ToldLink | null {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' ? value : null;
  } catch {
    return null; // an older networkctl has no such option
  }
}

/** systemd-networkd's name of the way by which it has the entry. */
export type LinkSource = 'DHCPv6' | 'DHCPv6-PD' | 'DHCP-PD' | 'NDisc';

export function from(list: unknown, source: LinkSource): Entry[] {
  return Array.isArray(list) ? (list as Entry[]).filter((one) => one?.ConfigSource === source) : [];
}

export function addressesFrom(list: unknown, source: LinkSource): IpAddress[] {
  return from(list, source).flatMap(({ Address }) => addressIn(Address) ?? []);
}

/** The IPv6 address of sixteen numbers; null if the value is none. */
export function addressIn(bytes: unknown): IpAddress | null {
  const isAddress = Array.isArray(bytes) && bytes.length === 16 && bytes.every((byte) => byte >= 0 && byte <= 255);
  return isAddress ? addressOfBytes(Uint8Array.from(bytes)) : null;
}

const listed = (values: readonly string[]) => (values.length === 0 ? null : values);
