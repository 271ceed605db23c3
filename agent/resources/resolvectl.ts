/** What a link is told by resolvectl(1). For a link of systemd-networkd it hands that on, and it is kept there. */
import { HostError } from '../host/errors.ts';
import type { Host } from '../host/host.ts';

export interface LinkServers {
  /** null: left as they are. */
  readonly servers: readonly string[] | null;
  readonly domains: readonly string[] | null;
}

/** Throws HostError. */
export function tellLink(host: Host, link: string, { servers, domains }: LinkServers): void {
  // An empty list is said by one empty word.
  if (servers !== null) resolvectl(host, 'dns', link, servers.length > 0 ? servers : ['']);
  if (domains !== null) resolvectl(host, 'domain', link, domains.length > 0 ? domains : ['']);
}

/** The link has again what files and leases say. Throws HostError. */
export function releaseLink(host: Host, link: string): void {
  resolvectl(host, 'revert', link, []);
}

function resolvectl(host: Host, verb: 'dns' | 'domain' | 'revert', link: string, values: readonly string[]): void {
  const { status, stderr, error } = host.run('resolvectl', [verb, '--', link, ...values]);
  if (status !== 0) throw new HostError('ERESOLVED', `resolvectl ${verb} ${link}: ${error ?? stderr.trim()}`);
}
