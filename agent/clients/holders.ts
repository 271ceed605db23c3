/**
 * Which programs hold the leases of this host, and on which interfaces, found by running processes. One file for each
 * program finds that program's interfaces; this file combines and compares them.
 */
import { nullIfRefused } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import type { LeaseHolder, LeaseProgram } from './client.ts';
import { interfacesIn, leaseFilesLeft } from './dhclient/leases/leases.ts';
import { dhcpClients } from './dhclient/running.ts';
import { dhcpcdHolders } from './dhcpcd/running.ts';
import { networkdHolders } from './networkd/running.ts';
import { networkManagerHolders } from './networkmanager/running.ts';

/** All running clients; empty if the host is not live. Calls in the same turn share one look at the processes. */
export function leaseHolders(host: Host): LeaseHolder[] {
  return [...dhclientHolders(host), ...dhcpcdHolders(host), ...networkManagerHolders(host), ...networkdHolders(host)];
}

/**
 * One sentence if another program also serves an interface of this program. Neither program can then be trusted to
 * leave the name servers alone. null if there is no such interface.
 */
export function contested(host: Host, program: LeaseProgram): string | null {
  const holders = leaseHolders(host);
  if (!holders.some((holder) => holder.program === program)) return null;
  const sentences = contests(holders)
    .filter(({ by }) => by.some((holder) => holder.program === program))
    .map(
      ({ where, by }) => `${where} is served by ${by.map(({ program, pid }) => `${program}[${pid}]`).join(' and ')}`,
    );
  if (sentences.length === 0) return null;
  return `${sentences.join(', ')}: each takes its own lease and sets its own name servers; leave the interface to one of them`;
}

/** The interfaces that two programs serve. Two dhclients count as one program, because the same hooks hold both. */
export function contests(holders: readonly LeaseHolder[]): { where: string; by: LeaseHolder[] }[] {
  const named = new Set(holders.flatMap(({ interfaces }) => (interfaces === 'all' ? [] : interfaces)));
  return [...named].sort().flatMap((where) => {
    const by = holders.filter(({ interfaces }) => interfaces === 'all' || interfaces.includes(where));
    return new Set(by.map(({ program }) => program)).size > 1 ? [{ where, by }] : [];
  });
}

/**
 * Whether dhclient has no part in this host's DNS: another program holds the leases, no dhclient runs, and none left a
 * lease. A package's hooks for dhclient are then never run.
 */
export function dhclientIdle(host: Host): boolean {
  if (!host.live || dhcpClients(host).length > 0) return false;
  if (!leaseHolders(host).some(({ interfaces }) => interfaces === 'all' || interfaces.length > 0)) return false;
  // Without root a lease file may not be readable.
  return nullIfRefused(() => leaseFilesLeft(host).every((file) => interfacesIn(host, file).length === 0)) ?? false;
}

/** The dhclients that no other program runs. */
function dhclientHolders(host: Host): LeaseHolder[] {
  return dhcpClients(host)
    .filter(({ owner }) => owner === null)
    .map(({ pid, started, interfaces }) => {
      return { program: 'dhclient', pid, started, interfaces: interfaces.length === 0 ? 'all' : interfaces };
    });
}
