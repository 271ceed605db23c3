/** Router advertisements that the running dhcpcd heard on an interface. They are in its memory only. */
import type { Host } from '../../host/host.ts';
import { printedAdvertisements, printedParts } from './printed-lease.ts';
import { printedLeases } from './running.ts';

export interface HeardRouters {
  /** The address that dhcpcd made itself of an advertised prefix; null if it made none. */
  readonly address: string | null;
  readonly nameservers: readonly string[];
  readonly search: readonly string[];
  /** Default routers. */
  readonly routers: readonly string[];
}

/** `family`: as dhcpcd was started. null if no router was heard, or if dhcpcd does not tell. */
export function heardRouters(host: Host, iface: string, family: readonly string[]): HeardRouters | null {
  if (family.includes('-4')) return null;
  const printed = printedLeases(host, iface, family) ?? '';
  const heard = printedAdvertisements(printed, iface);
  if (heard.length === 0) return null;
  const parts = printedParts(printed, iface).join('\n');
  return {
    address: /^nd\d+_addr\d+=([0-9a-f:]+)\/\d+$/m.exec(parts)?.[1] ?? null,
    nameservers: heard.flatMap(({ servers }) => servers.flatMap(({ addresses }) => addresses)),
    search: heard.flatMap(({ domains }) => domains.flatMap(({ names }) => names)),
    routers: heard.filter(({ lifetime }) => lifetime > 0).map(({ router }) => router),
  };
}
