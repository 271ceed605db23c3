/**
 * How near the kernel is to the limits at which it answers ENOBUFS or ENOMEM, or drops packets: neighbours, tracked
 * connections, and the memory of TCP and UDP. Its limit of routes is in routes-probe.ts.
 */
import { release } from 'node:os';
import type { Family } from '../agent/address/address.ts';
import type { Host } from '../agent/host/host.ts';
import { neighbourStatistics } from '../agent/host/kernel/neighbour-table.ts';
import { sparedNeighbours } from '../agent/host/netlink/spared-neighbours.ts';
import { isNear } from './near-limit.ts';
import { type Probe, type Reading, type SampleAttributes, sample } from './probe.ts';

interface Usage {
  readonly attributes: SampleAttributes;
  readonly used: number;
  readonly limit: number;
  /** The words for `used`. */
  readonly what: string;
  /** The sysctl that limits it. */
  readonly key: string;
  /** The words for what happens at the limit. */
  readonly atLimit: string;
}

type Looks = Pick<Host, 'readText' | 'sysctl'>;

/** Neighbours that a control plane or an operator made count no more since this version. */
const SPARING = 5;

export function limitsProbe(
  host: Looks,
  { spared = sparedNeighbours, version = release() }: { spared?: typeof sparedNeighbours; version?: string } = {},
): Probe {
  const sparing = Number.parseInt(version, 10) >= SPARING;
  return {
    name: 'limits',
    cost: 'constant',
    async read(signal) {
      const usages = [
        ...(await neighbours(host, 'ipv4', sparing ? spared : null, signal)),
        ...(await neighbours(host, 'ipv6', sparing ? spared : null, signal)),
        ...connections(host),
        ...memory(host),
      ];
      return usages.flatMap(readings);
    },
  };
}

function readings({ attributes, used, limit, what, key, atLimit }: Usage): Reading[] {
  const samples = [
    sample('system.network.limit.used', used, attributes),
    sample('system.network.limit.value', limit, attributes),
    sample('system.network.limit.utilization', used / limit, attributes),
  ];
  if (!isNear(used, limit)) return samples;
  const body = `${used} of ${limit} ${what} that ${key} allows are in use. At the limit ${atLimit}. Raise ${key} in the configuration`;
  return [...samples, { kind: 'condition', code: 'kernel-limit-near', severity: 'warn', body, attributes }];
}

/** All network namespaces share the table. Only the first one shows it, and its limit. */
async function neighbours(
  host: Looks,
  family: Family,
  spared: typeof sparedNeighbours | null,
  signal: AbortSignal,
): Promise<Usage[]> {
  const entries = neighbourStatistics(host, family, 'entries')?.[0] ?? null;
  const limit = Number(host.sysctl(`net/${family}/neigh/default/gc_thresh3`) ?? Number.NaN);
  if (entries === null || !(limit > 0)) return [];
  // Listing them costs something, so it is done only where it decides.
  const free = spared !== null && isNear(entries, limit) ? await spared(family, signal) : 0;
  return [
    {
      attributes: { resource: 'neighbors', 'network.type': family },
      used: Math.max(0, entries - free),
      limit,
      what: `${family === 'ipv4' ? 'IPv4' : 'IPv6'} neighbours`,
      key: `net.${family}.neigh.default.gc_thresh3`,
      atLimit: 'new neighbours cannot be reached (ENOBUFS)',
    },
  ];
}

/** Nothing if connections are not tracked. 0 means that there is no limit. */
function connections(host: Looks): Usage[] {
  const [used, limit] = ['count', 'max'].map((name) =>
    Number(host.sysctl(`net/netfilter/nf_conntrack_${name}`) ?? Number.NaN),
  ) as [number, number];
  if (!(used >= 0 && limit > 0)) return [];
  return [
    {
      attributes: { resource: 'conntrack' },
      used,
      limit,
      what: 'tracked connections',
      key: 'net.netfilter.nf_conntrack_max',
      atLimit: 'packets of new connections are dropped',
    },
  ];
}

/** Pages, of all network namespaces together. Only the first one shows the limits: low, pressure and high. */
function memory(host: Looks): Usage[] {
  const counts = host.readText('/proc/net/sockstat') ?? '';
  return (['TCP', 'UDP'] as const).flatMap((protocol) => {
    const name = protocol.toLowerCase();
    const used = new RegExp(`^${protocol}:.* mem (\\d+)$`, 'm').exec(counts)?.[1];
    const limit = Number(host.sysctl(`net/ipv4/${name}_mem`)?.trim().split(/\s+/)[2] ?? Number.NaN);
    if (used === undefined || !(limit > 0)) return [];
    return [
      {
        attributes: { resource: `${name}-memory` },
        used: Number(used),
        limit,
        what: `pages of ${protocol}'s memory`,
        key: `net.ipv4.${name}_mem`,
        atLimit: `${protocol} drops data and refuses to send (ENOBUFS, ENOMEM)`,
      },
    ];
  });
}
