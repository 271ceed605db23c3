/** What is known of an interface's lease: dhclient's own file, else what the exit hook recorded of its last event. */
import { type DhcpClient, staleSince } from '../dhclient/clients.ts';
import { parseConf, type Statement } from '../dhclient/grammar.ts';
import { leaseRecords } from '../dhclient/lease-records.ts';
import { currentLease, type Lease } from '../dhclient/leases.ts';
import { type EffectiveConf, readConf } from '../dhclient/reader.ts';
import { HostError } from '../host/errors.ts';
import type { Host } from '../host/host.ts';

export interface Known {
  readonly lease: Lease;
  /** dhclient.conf as it is on disk. */
  readonly conf: EffectiveConf;
  /** What the next start makes of an answer like the last: null, the same as the running dhclient, which read the same. */
  readonly differently: {
    readonly supersede: EffectiveConf['supersede'];
    readonly request: readonly string[] | null;
  } | null;
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
  const text = host.readText(client.confFile) ?? '';
  const conf = readConf(text, iface);
  if (client.pid !== 0 && staleSince(host, client) === null) return { lease, conf, differently: null, notes: [] };
  const kinds = kindsIn(parseConf(text).statements, iface);
  const certain = !kinds.has('include') && !kinds.has('conditional');
  const unread = UNREAD.filter((kind) => kinds.has(kind));
  const open = DNS.filter((name) => lease.options.has(name) && !conf.supersede.has(name));
  const file = `${client.confFile} may have changed since the lease`;
  return {
    lease,
    conf,
    differently: { supersede: conf.supersede, request: certain ? conf.request : null },
    notes: [
      ...(open.length === 0
        ? []
        : [
            `${file}: what the server itself sends for ${open.join(', ')} is not known where it was superseded; the lease's value was taken`,
          ]),
      ...(unread.length === 0
        ? []
        : [`${file}: what its ${unread.join(', ')} would make of the next answer is not in this`]),
    ],
  };
}

/** Those that DNS is made of. */
const DNS = ['domain-name', 'domain-search', 'domain-name-servers'];

/** Statements whose outcome depends on what only dhclient, or the server, knows. */
const UNREAD = ['include', 'conditional', 'prepend', 'append', 'default'] as const;

function kindsIn(statements: readonly Statement[], iface: string): Set<Statement['kind']> {
  const counted = statements.filter(({ kind, name }) => kind !== 'pseudo' && (kind !== 'interface' || name === iface));
  return new Set(counted.flatMap(({ kind, body }) => [kind, ...(kind === 'interface' ? kindsIn(body, iface) : [])]));
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
