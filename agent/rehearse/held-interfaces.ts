/**
 * Finds the leases that can be rehearsed: those of running dhclients, and those that an ended dhclient left in a lease
 * file.
 */

import { leaseRecords } from '../clients/dhclient/lease-records.ts';
import { parseLeases } from '../clients/dhclient/leases.ts';
import { type DhcpClient, dhcpClients, parseClient } from '../clients/dhclient/running-dhclients.ts';
import { HostError } from '../host/errors.ts';
import type { Host } from '../host/host.ts';

export interface Held {
  readonly interface: string;
  /** The pid is 0 if no dhclient runs. */
  readonly client: DhcpClient;
}

const FOLDERS = ['/var/lib/dhcp', '/var/lib/dhclient'];

/**
 * Every interface with an IPv4 lease, sorted by name, or only the given one. Throws HostError if there is none, or if
 * two dhclients hold the same interface.
 */
export function heldInterfaces(host: Host, iface: string | null): Held[] {
  const running = dhcpClients(host)
    .filter(({ family }) => family === 4)
    .flatMap((client) => interfacesOf(host, client).map((name) => ({ interface: name, client })));
  const all = [...running, ...left(host).filter((one) => !running.some((other) => other.interface === one.interface))];
  const found = all
    .filter((one) => iface === null || one.interface === iface)
    .sort((a, b) => (a.interface < b.interface ? -1 : 1));
  if (found.length === 0) {
    const where = iface === null ? 'this host' : iface;
    throw new HostError('ENOLEASE', `no IPv4 lease of dhclient, present or past, was found on ${where}`);
  }
  for (const one of found) {
    const others = found.filter((other) => other.interface === one.interface);
    if (others.length > 1) {
      const pids = others.map(({ client }) => client.pid).join(' and ');
      throw new HostError('ETWO', `two dhclients (${pids}) hold ${one.interface}: end one of them`);
    }
  }
  return found;
}

/** The client's interfaces. A dhclient that was started without one serves every interface that it finds. */
function interfacesOf(host: Host, client: DhcpClient): string[] {
  if (client.interfaces.length > 0) return [...client.interfaces];
  const files = client.leaseFile === null ? FOLDERS.map((folder) => `${folder}/dhclient.leases`) : [client.leaseFile];
  const leased = files.flatMap((file) => leasesIn(host, file));
  const recorded = leaseRecords(host).filter((record) => record.pid === client.pid && record.family === 4);
  return [...new Set([...leased, ...recorded.map((record) => record.interface)])];
}

/** Finds leases only by lease files. Assumes that the next dhclient will be started like the last one. */
function left(host: Host): Held[] {
  const held = new Map<string, DhcpClient>();
  for (const folder of FOLDERS) {
    for (const name of host.list(folder).filter((one) => /^dhclient(\..+)?\.leases$/.test(one))) {
      const file = `${folder}/${name}`;
      for (const iface of leasesIn(host, file)) {
        if (!host.list('/sys/class/net').includes(iface)) continue;
        held.set(
          iface,
          parseClient({ pid: 0, started: 0, sinceBoot: 0, arguments: ['dhclient', '-4', '-lf', file, iface] }),
        );
      }
    }
  }
  return [...held].map(([name, client]) => ({ interface: name, client }));
}

function leasesIn(host: Host, file: string): string[] {
  const leases = parseLeases(host.readText(file) ?? '');
  return [...new Set(leases.filter(({ address }) => address !== null).map((lease) => lease.interface))];
}
