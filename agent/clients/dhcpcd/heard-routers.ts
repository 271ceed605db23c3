/** What routers sent to an interface of the running dhcpcd. dhcpcd keeps it in its memory, and prints it (`dhcpcd -U`). */
import type { Host } from '../../host/host.ts';
import { printedAdvertisements, printedParts } from './printed-lease.ts';

export interface HeardRouters {
  /** That dhcpcd made itself of an advertised prefix; null if it made none. */
  readonly address: string | null;
  readonly nameservers: readonly string[];
  readonly search: readonly string[];
  /** Default routers. */
  readonly routers: readonly string[];
}

/** `family`: as dhcpcd was started. null if no router was heard, or if dhcpcd does not tell. */
export function heardRouters(host: Host, iface: string, family: readonly string[]): HeardRouters | null {
  if (family.includes('-4')) return null;
  const { status, stdout } = host.run('dhcpcd', [...family, '-U', iface]);
  const heard = status === 0 ? printedAdvertisements(stdout, iface) : [];
  if (heard.length === 0) return null;
  const printed = printedParts(stdout, iface).join('\n');
  return {
    address: /^nd\d+_addr\d+=([0-9a-f:]+)\/\d+$/m.exec(printed)?.[1] ?? null,
    nameservers: heard.flatMap(({ servers }) => servers.flatMap(({ addresses }) => addresses)),
    search: heard.flatMap(({ domains }) => domains.flatMap(({ names }) => names)),
    routers: heard.filter(({ lifetime }) => lifetime > 0).map(({ router }) => router),
  };
}
