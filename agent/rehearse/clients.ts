/** Whose lease can be rehearsed: that of a running dhclient, else that of the one which left a lease file. */
import { type DhcpClient, dhcpClients, parseClient } from '../dhclient/clients.ts';
import { leaseRecords } from '../dhclient/lease-records.ts';
import { parseLeases } from '../dhclient/leases.ts';
import { HostError } from '../host/errors.ts';
import type { Host } from '../host/host.ts';

export interface Held {
  readonly interface: string;
  /** Its pid is 0 where none runs. */
  readonly client: DhcpClient;
}

const FOLDERS = ['/var/lib/dhcp', '/var/lib/dhclient'];

/**
 * Every interface with a lease of IPv4 by name, or the one that is asked for. Throws HostError where there is none, or two hold
 * the same.
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
    throw new HostError('ENOLEASE', `no dhclient has, or had, a lease of IPv4 on ${where}`);
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

/** One that was given no interface takes every one that it finds. */
function interfacesOf(host: Host, client: DhcpClient): string[] {
  if (client.interfaces.length > 0) return [...client.interfaces];
  const files = client.leaseFile === null ? FOLDERS.map((folder) => `${folder}/dhclient.leases`) : [client.leaseFile];
  const leased = files.flatMap((file) => leasesIn(host, file));
  const recorded = leaseRecords(host).filter((record) => record.pid === client.pid && record.family === 4);
  return [...new Set([...leased, ...recorded.map((record) => record.interface)])];
}

/** By lease files alone: the dhclient that will be started is taken for one that is called as the last one was. */
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
