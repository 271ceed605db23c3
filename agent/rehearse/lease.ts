/** An interface's lease from dhclient's own file; otherwise from our exit hook's record of the last event. */
import { parseConf, type Statement } from '../clients/dhclient/conf/grammar/grammar.ts';
import { type EffectiveConf, readConf } from '../clients/dhclient/conf/reader.ts';
import { leaseRecords } from '../clients/dhclient/leases/lease-records.ts';
import { currentLease, type Lease } from '../clients/dhclient/leases/leases.ts';
import { type RunningDhclient, staleSince } from '../clients/dhclient/running.ts';
import { HostError } from '../host/errors.ts';
import type { Host } from '../host/host.ts';

export interface KnownOffer {
  readonly lease: Lease;
  /** dhclient.conf as it is on disk. */
  readonly conf: EffectiveConf;
  /** How the next start would change an answer like the last one; null if the running dhclient read the same file. */
  readonly differently: {
    readonly supersede: EffectiveConf['supersede'];
    readonly request: readonly string[] | null;
  } | null;
  /** The facts that stay unknown about the next start. */
  readonly notes: readonly string[];
}

/** Throws HostError if no lease of the interface is known. */
export function leaseOf(host: Host, client: RunningDhclient, iface: string): KnownOffer {
  const lease = currentLease(host, client, iface) ?? recorded(host, iface);
  if (lease === null || lease.address === null)
    throw new HostError(
      'ENOLEASE',
      `no lease of ${iface} is recorded, neither in dhclient's lease file nor by Holdfast's exit hook`,
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
            `${file}: the server's own value of ${open.join(', ')} may have been superseded, so this rehearsal uses the lease's value`,
          ]),
      ...(unread.length === 0
        ? []
        : [`${file}: this rehearsal leaves out what its ${unread.join(', ')} would do to the next answer`]),
    ],
  };
}

/** The options that concern DNS. */
const DNS = ['domain-name', 'domain-search', 'domain-name-servers'];

/** Statements whose effect only dhclient or the server can know. */
const UNREAD = ['include', 'conditional', 'prepend', 'append', 'default'] as const;

function kindsIn(statements: readonly Statement[], iface: string): Set<Statement['kind']> {
  const counted = statements.filter(({ kind, name }) => kind !== 'pseudo' && (kind !== 'interface' || name === iface));
  return new Set(counted.flatMap(({ kind, body }) => [kind, ...(kind === 'interface' ? kindsIn(body, iface) : [])]));
}

/** The recorded lease in the notation of a lease file, as far as the record reaches. */
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
    family: 4,
    interface: iface,
    address: offered.get('ip_address') ?? null,
    options: new Map(options),
    fields: new Map(),
    renew: null,
    expire: Number.isSafeInteger(expiry) && expiry > 0 ? expiry * 1000 : null,
    seconds: null,
  };
}
