/** Which programs hold the leases of this host, and on which interfaces, found by running processes. */
import type { ConfiguredState } from '../config/desired.ts';
import { HostError } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import type { LeaseHolder, LeaseProgram } from './client.ts';
import { CLIENTS } from './clients.ts';
import { type KnownLeases, longestLease } from './known-lease.ts';
import type { HoldsAtLease, LeaseForecast } from './lease-forecast.ts';

/** All running clients; empty if the host is not live. Calls in the same turn share one look at the processes. */
export function leaseHolders(host: Host): LeaseHolder[] {
  return CLIENTS.flatMap((client) => client.running(host));
}

/** The leases of every running client: what the servers offered last. */
export async function knownLeases(host: Host): Promise<KnownLeases> {
  const all = await Promise.all(CLIENTS.map((client) => client.leases(host)));
  return { leases: all.flatMap(({ leases }) => leases), unknown: all.flatMap(({ unknown }) => unknown) };
}

export interface ClientForecast extends LeaseForecast {
  readonly program: LeaseProgram;
}

/** Forecasts of the next lease events. A client whose leases this user may not read has no forecast. */
export async function leaseForecasts(
  host: Host,
  desired: ConfiguredState,
  holds: HoldsAtLease,
): Promise<ClientForecast[]> {
  const all = CLIENTS.map(async ({ program, forecasts }) => {
    try {
      return ((await forecasts?.(host, desired, holds)) ?? []).map((one) => ({ program, ...one }));
    } catch (error) {
      if (error instanceof HostError) return [];
      throw error;
    }
  });
  return (await Promise.all(all)).flat();
}

/** Seconds of the longest lease; null if no lease is known that ends, or this user may not read them. */
export async function longestKnownLease(host: Host): Promise<number | null> {
  try {
    return longestLease(await knownLeases(host));
  } catch (error) {
    if (error instanceof HostError) return null;
    throw error;
  }
}

/** The processes' names of the scripts that run at lease events. */
export function clientScripts(host: Host): string[] {
  return CLIENTS.flatMap((client) => client.scripts(host));
}
