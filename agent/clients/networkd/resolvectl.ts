/** Gives values to a link by resolvectl(1), which passes them to systemd-networkd if that manages the link. */
import type { ServerAddress } from '../../address/accepted.ts';
import { HostError } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';

export interface LinkServers {
  /** null leaves the present values. */
  readonly servers: readonly ServerAddress[] | null;
  readonly domains: readonly string[] | null;
}

/** Throws HostError. */
export function tellLink(host: Host, link: string, { servers, domains }: LinkServers): void {
  // One empty word means an empty list.
  if (servers !== null) resolvectl(host, 'dns', link, servers.length > 0 ? servers : ['']);
  if (domains !== null) resolvectl(host, 'domain', link, domains.length > 0 ? domains : ['']);
}

/** Returns the link to the values of files and leases. Throws HostError. */
export function releaseLink(host: Host, link: string): void {
  resolvectl(host, 'revert', link, []);
}

function resolvectl(host: Host, verb: 'dns' | 'domain' | 'revert', link: string, values: readonly string[]): void {
  const { status, stderr, error } = host.run('resolvectl', [verb, '--', link, ...values]);
  if (status !== 0) throw new HostError('ERESOLVED', `resolvectl ${verb} ${link}: ${error ?? stderr.trim()}`);
}
