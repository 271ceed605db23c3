/**
 * Finds the leases that can be rehearsed: those of running clients, and those that an ended dhclient left in a lease
 * file.
 */

import { holderName, type LeaseHolder } from '../clients/client.ts';
import { CLIENTS } from '../clients/clients.ts';
import { leaseRecords } from '../clients/dhclient/leases/lease-records.ts';
import { DEFAULT_LEASE_FILES, interfacesIn, leaseFilesLeft } from '../clients/dhclient/leases/leases.ts';
import { clientName, dhcpClients, parseClient, type RunningDhclient } from '../clients/dhclient/running.ts';
import { dhclientStage } from '../clients/dhclient/stage.ts';
import { leaseHolders } from '../clients/holders.ts';
import { HostError } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import type { StagedHolder } from './client-rehearsal.ts';

/** An interface of dhclient, whose script is played. */
export interface HeldByDhclient {
  readonly interface: string;
  /** The pid is 0 if no dhclient runs. */
  readonly client: RunningDhclient;
}

/** An interface of a client that is played as a whole. */
export interface HeldByStaged {
  readonly interface: string;
  readonly staged: StagedHolder;
}

export type Held = HeldByDhclient | HeldByStaged;

/** "dhclient[812] on eth0", "dhcpcd[900] on eth0". */
export function heldBy(held: Held): string {
  if (!('staged' in held)) return clientName(held.client);
  return `${holderName(held.staged.holder)}${held.staged.family === 6 ? ' (IPv6)' : ''}`;
}

/** The client's process; null if none runs. */
export function pidOf(held: Held): number | null {
  const { pid } = 'staged' in held ? held.staged.holder : held.client;
  return pid === 0 ? null : pid;
}

/**
 * Every interface with an IPv4 lease, sorted by name, or only the given one. Throws HostError if there is none, or if
 * two clients hold the same interface.
 */
export function heldInterfaces(host: Host, iface: string | null): Held[] {
  const running = dhcpClients(host)
    .filter(({ family }) => family === 4)
    .flatMap((client) => interfacesOf(host, client).map((name) => ({ interface: name, client })));
  // NetworkManager may run a dhclient of its own, which then holds the lease.
  const isOwner = ({ interface: name, staged: { holder } }: HeldByStaged) =>
    running.some((one) => one.interface === name && one.client.owner === holder.program);
  const current: Held[] = [...running, ...staged(host).filter((one) => !isOwner(one))];
  // A lease that dhclient left counts where no client took its place.
  const all = [
    ...current,
    ...dhclients6(host),
    ...left(host).filter((one) => !current.some((other) => other.interface === one.interface)),
  ];
  const found = all
    .filter((one) => iface === null || one.interface === iface)
    .sort((a, b) => (a.interface < b.interface ? -1 : 1));
  if (found.length === 0) {
    const where = iface === null ? 'this host' : iface;
    throw new HostError(
      'ENOLEASE',
      `only leases of ${listed(REHEARSED)} can be rehearsed, and ${where} has none, present or past`,
    );
  }
  for (const one of found) {
    const others = found.filter(
      (other) => other.interface === one.interface && familyOfHeld(other) === familyOfHeld(one),
    );
    if (others.length > 1) {
      const names = others.map(heldBy).join(' and ');
      throw new HostError('ETWO', `two clients hold ${one.interface} (${names}): end one of them`);
    }
  }
  return found;
}

/** A dhclient serves one family, and so may a dhcpcd; all others serve IPv4 at least. */
const familyOfHeld = (held: Held) => ('staged' in held ? held.staged.family : 4);

/** The clients whose leases can be rehearsed, as an operator reads them. */
const REHEARSED = CLIENTS.filter(({ program, stage }) => program === 'dhclient' || stage !== undefined).map(
  ({ program }) => program,
);

/** "a, b and c". */
function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

function staged(host: Host): HeldByStaged[] {
  return leaseHolders(host).flatMap((holder) => {
    const stage = CLIENTS.find(({ program }) => program === holder.program)?.stage;
    if (stage === undefined || holder.interfaces === 'all') return [];
    return holder.interfaces.map((name) => ({
      interface: name,
      staged: { stage, holder, interface: name, family: holder.family ?? (holder.only6?.includes(name) ? 6 : 4) },
    }));
  });
}

/** Each `dhclient -6`, which is played as a whole. */
function dhclients6(host: Host): HeldByStaged[] {
  return dhcpClients(host)
    .filter(({ family, owner }) => family === 6 && owner === null)
    .flatMap(({ pid, started, interfaces }) => {
      const holder: LeaseHolder = { program: 'dhclient', pid, started, interfaces };
      const stage = async (...asked: Parameters<typeof dhclientStage>) => dhclientStage(...asked);
      return interfaces.map((name) => ({
        interface: name,
        staged: { stage, holder, interface: name, family: 6 as const },
      }));
    });
}

/** The client's interfaces. A dhclient that was started without one serves every interface that it finds. */
function interfacesOf(host: Host, client: RunningDhclient): string[] {
  if (client.interfaces.length > 0) return [...client.interfaces];
  const files = client.leaseFile === null ? DEFAULT_LEASE_FILES : [client.leaseFile];
  const leased = files.flatMap((file) => interfacesIn(host, file));
  const recorded = leaseRecords(host).filter((record) => record.pid === client.pid && record.family === 4);
  return [...new Set([...leased, ...recorded.map((record) => record.interface)])];
}

/** Finds leases only by lease files. Assumes that the next dhclient will be started like the last one. */
function left(host: Host): HeldByDhclient[] {
  const held = new Map<string, RunningDhclient>();
  for (const file of leaseFilesLeft(host)) {
    for (const iface of interfacesIn(host, file)) {
      if (!host.list('/sys/class/net').includes(iface)) continue;
      held.set(
        iface,
        parseClient({ pid: 0, started: 0, sinceBoot: 0, arguments: ['dhclient', '-4', '-lf', file, iface] }),
      );
    }
  }
  return [...held].map(([name, client]) => ({ interface: name, client }));
}
