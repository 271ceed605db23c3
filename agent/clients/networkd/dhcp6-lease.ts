/**
 * A link's DHCPv6 lease and the name servers of router advertisements. systemd-networkd keeps neither on the disk, so we ask
 * networkctl(1) for those in use. systemd 257 also tells when the lease is renewed, and systemd 252 does not.
 */
import { addressOfBytes } from '../../address/address-checks.ts';
import type { Host } from '../../host/host.ts';
import { sinceBoot } from '../../host/process/processes.ts';

export interface Dhcp6Lease {
  readonly address: string;
  /** Milliseconds since the epoch; null if systemd-networkd does not tell. */
  readonly renews: number | null;
  /** null if none of the lease's is in use: the lease has none, or they are not taken. */
  readonly nameservers: readonly string[] | null;
  readonly search: readonly string[] | null;
  readonly ntp: readonly string[] | null;
}

/** null if the link has no address by DHCPv6, or if systemd-networkd does not tell. */
export function dhcp6Lease(host: Host, link: string): Dhcp6Lease | null {
  const told = toldOf(host, link);
  if (told === null) return null;
  const [address] = addresses(told.Addresses);
  if (address === undefined) return null;
  // Microseconds since the boot, with the time of a suspend.
  const renewal = told.DHCPv6Client?.Lease?.Timeout1USec;
  return {
    address,
    renews: typeof renewal === 'number' ? Math.round(Date.now() - sinceBoot() + renewal / 1000) : null,
    nameservers: listed(addresses(told.DNS)),
    search: listed(
      from(told.SearchDomains, 'DHCPv6').flatMap(({ Domain }) => (typeof Domain === 'string' ? [Domain] : [])),
    ),
    ntp: listed(addresses(told.NTP)),
  };
}

/** Empty also if systemd-networkd does not tell. */
export function advertisedServers(host: Host, link: string): string[] {
  return addresses(toldOf(host, link)?.DNS, 'NDisc');
}

function toldOf(host: Host, link: string): Told | null {
  const { status, stdout } = host.run('networkctl', ['--json=short', 'status', link]);
  return status === 0 ? parsed(stdout) : null;
}

interface Told {
  readonly Addresses?: unknown;
  readonly DNS?: unknown;
  readonly NTP?: unknown;
  readonly SearchDomains?: unknown;
  readonly DHCPv6Client?: { readonly Lease?: { readonly Timeout1USec?: unknown } };
}

interface Entry {
  readonly Address?: unknown;
  readonly Domain?: unknown;
  readonly ConfigSource?: unknown;
}

function parsed(json: string): Told | null {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' ? value : null;
  } catch {
    return null; // an older networkctl has no such option
  }
}

/** systemd-networkd's name of the way by which it has the entry. */
type Source = 'DHCPv6' | 'NDisc';

function from(list: unknown, source: Source): Entry[] {
  return Array.isArray(list) ? (list as Entry[]).filter((one) => one?.ConfigSource === source) : [];
}

function addresses(list: unknown, source: Source = 'DHCPv6'): string[] {
  return from(list, source).flatMap(({ Address: bytes }) => {
    const isAddress = Array.isArray(bytes) && bytes.length === 16 && bytes.every((byte) => byte >= 0 && byte <= 255);
    return isAddress ? [addressOfBytes(Uint8Array.from(bytes))] : [];
  });
}

const listed = (values: readonly string[]) => (values.length === 0 ? null : values);
