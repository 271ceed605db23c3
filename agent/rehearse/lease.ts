/** What is known of an interface's lease: dhclient's own file, else what the exit hook recorded of its last event. */
import { type DhcpClient, staleSince } from '../dhclient/clients.ts';
import { leaseRecords } from '../dhclient/lease-records.ts';
import { currentLease, type Lease } from '../dhclient/leases.ts';
import { type EffectiveConf, readConf } from '../dhclient/reader.ts';
import { HostError } from '../host/errors.ts';
import type { Host } from '../host/host.ts';

export interface Known {
  readonly lease: Lease;
  /** dhclient.conf as it is on disk. */
  readonly conf: EffectiveConf;
  /** What cannot be known of the next start. */
  readonly notes: readonly string[];
}

/** Throws HostError where no lease of the interface is known. */
export function leaseOf(host: Host, client: DhcpClient, iface: string): Known {
  const lease = currentLease(host, client, iface) ?? recorded(host, iface);
  if (lease === null || lease.address === null)
    throw new HostError(
      'ENOLEASE',
      `no lease of ${iface} is recorded: neither in dhclient's file nor by our exit hook`,
    );
  const conf = readConf(host.readText(client.confFile) ?? '', iface);
  const stale = client.pid !== 0 && staleSince(host, client) !== null;
  const dns = ['domain-name', 'domain-search', 'domain-name-servers'];
  const open = dns.filter((name) => lease.options.has(name) && !conf.supersede.has(name));
  return {
    lease,
    conf,
    notes:
      stale && open.length > 0
        ? [
            `${client.confFile} changed after dhclient started: where the old one superseded ${open.join(', ')}, what the server itself sends is not known, and the old value was taken`,
          ]
        : [],
  };
}

/** In the notation of a lease file, as far as the record goes. */
function recorded(host: Host, iface: string): Lease | null {
  const record = leaseRecords(host).find((one) => one.interface === iface && one.family === 4);
  if (record === undefined) return null;
  const { offered } = record;
  const expiry = Number(offered.get('expiry'));
  const notOptions = ['ip_address', 'expiry'];
  const options = [...offered].flatMap(([name, value]): [string, string][] =>
    value === null || notOptions.includes(name) ? [] : [[name.replaceAll('_', '-'), value]],
  );
  return {
    interface: iface,
    address: offered.get('ip_address') ?? null,
    options: new Map(options),
    fields: new Map(),
    renew: null,
    expire: Number.isSafeInteger(expiry) && expiry > 0 ? expiry * 1000 : null,
  };
}
