/**
 * The part of a lease that does not come from Holdfast: dhclient's own file has the values after `supersede`, and not
 * the server's.
 */
import { nullIfRefused } from '../../../host/errors.ts';
import type { Host } from '../../../host/host.ts';
import { readConf } from '../conf/reader.ts';
import { type RunningDhclient, staleSince } from '../running.ts';
import { readAtStart } from '../start-records.ts';
import { currentLease, type Lease } from './leases.ts';

export interface OfferedLease {
  /** Without the unknown options. */
  readonly lease: Lease;
  /** The options that were superseded, or may have been: all of DNS if the client's configuration is unknown. */
  readonly unknown: readonly string[];
  /** false if nobody knows which dhclient.conf the client read, so that the options may be the server's all the same. */
  readonly isConfKnown: boolean;
}

const DNS = ['domain-name', 'domain-search', 'domain-name-servers', 'dhcp6.domain-search', 'dhcp6.name-servers'];

/**
 * The last lease of one interface; null if there is none. `earlier` is the dhclient.conf from before Holdfast: values
 * that it supersedes are the operator's, and count as the lease's.
 */
export function offeredLease(host: Host, client: RunningDhclient, iface: string, earlier: string): OfferedLease | null {
  const lease = currentLease(host, client, iface);
  if (lease === null) return null;
  const conf = confAtStart(host, client);
  const unknown = conf === null ? DNS : supersededOnlyIn(conf, earlier, iface);
  const options = new Map([...lease.options].filter(([name]) => !unknown.includes(name)));
  return {
    lease: { ...lease, options },
    unknown: unknown.filter((name) => lease.options.has(name)),
    isConfKnown: conf !== null,
  };
}

function supersededOnlyIn(conf: string, earlier: string, iface: string): string[] {
  const before = readConf(earlier, iface).supersede;
  return [...readConf(conf, iface).supersede].flatMap(([name, { value }]) =>
    before.get(name)?.value === value ? [] : [name],
  );
}

/** The dhclient.conf that the running client read; null if it is unknown. */
function confAtStart(host: Host, client: RunningDhclient): string | null {
  return nullIfRefused(() =>
    staleSince(host, client) === null ? (host.readText(client.confFile) ?? '') : readAtStart(host, client),
  );
}
