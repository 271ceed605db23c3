/** One lease as a DHCP client knows it. */

/** All addresses are as the server wrote them. */
export interface KnownLease {
  readonly program: string;
  /** `dhclient[812] on eth0`. */
  readonly who: string;
  /** The file, or the command that shows the lease. */
  readonly where: string;
  readonly nameservers: readonly string[];
  readonly gateways: readonly string[];
  readonly timeServers: readonly string[];
  /** Left out: a DHCP server sent the values. */
  readonly sender?: 'router';
  /** The DHCP server; null if unknown. */
  readonly server: string | null;
  /** Seconds for which the server gave the lease; null if unknown. */
  readonly duration: number | null;
  /** Why the next lease may bring other name servers than these, unless Holdfast holds its own there; absent if not. */
  readonly doubt?: string;
}

export interface KnownLeases {
  readonly leases: readonly KnownLease[];
  /** A sentence for each client whose lease is not known. */
  readonly unknown: readonly string[];
}

/** A lease for ever (RFC 2131): it is never renewed. */
export const INFINITE = 0xffffffff;

/**
 * Seconds; null if no lease is known that ends. A lease that does not say for how long it was given takes nothing away: the
 * others still need their time.
 */
export function longestLease({ leases }: KnownLeases): number | null {
  const durations = leases.flatMap(({ duration }) => (duration === null || duration === INFINITE ? [] : [duration]));
  return durations.length === 0 ? null : Math.max(...durations);
}
