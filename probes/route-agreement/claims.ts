/** The numbers of routes that the routing daemons of this host say they put into the kernel. */
import type { Family } from '../../agent/address/address.ts';
import type { Host } from '../../agent/host/host.ts';
import { links } from '../../agent/host/netlink/links.ts';
import { NetlinkSocket } from '../../agent/host/netlink/socket.ts';
import { BIRD, MAIN_TABLE, protocolName, tableName } from '../../agent/host/netlink/table-names.ts';
import { BIRD_SOCKETS, Bird } from '../../agent/host/routing-daemons/bird.ts';
import { ControlSocketError } from '../../agent/host/routing-daemons/control-socket.ts';
import { ZEBRA_SOCKET, Zebra } from '../../agent/host/routing-daemons/zebra.ts';

const FAMILIES = ['ipv4', 'ipv6'] as const;

export type DaemonName = 'frr' | 'bird';

/** A number of routes that a daemon says it put into the kernel. */
export interface Claim {
  readonly daemon: DaemonName;
  readonly family: Family;
  /** The kernel's table; null for all tables together, because BIRD does not tell the kernel's number of its tables. */
  readonly table: number | null;
  /** The VRF of that table; null if the table belongs to none. */
  readonly vrf: string | null;
  /** A number of rt_protos. */
  readonly protocol: number;
  readonly installed: number;
}

export function placeOf({ daemon, family, table }: Pick<Claim, 'daemon' | 'family' | 'table'>): string {
  return `${daemon} ${family} ${table ?? 'all'}`;
}

/** The same text for the same kind of routes: `frr ipv4 254 186`. */
export function claimKey(claim: Claim): string {
  return `${placeOf(claim)} ${claim.protocol}`;
}

export const DAEMON_LABELS: Readonly<Record<DaemonName, string>> = { frr: 'FRR', bird: 'BIRD' };

/** The attributes of a claim, in a metric and in a condition. */
export function claimAttributes({ daemon, family, table, vrf, protocol }: Claim) {
  return {
    daemon,
    'network.type': family,
    table: table === null ? 'all' : tableName(table),
    ...(vrf === null ? {} : { vrf }),
    protocol: protocolName(protocol),
  };
}

/** For an operator: `of its IPv4 routes (bgp) in table main`. */
export function placeWords({ family, table, vrf, protocol }: Claim): string {
  const place = table === null ? 'all tables together' : `table ${tableName(table)}`;
  const label = family === 'ipv4' ? 'IPv4' : 'IPv6';
  return `of its ${label} routes (${protocolName(protocol)}) in ${place}${vrf === null ? '' : ` (VRF ${vrf})`}`;
}

/** All claims of one daemon. */
export interface DaemonView {
  readonly daemon: DaemonName;
  /** Tells this run of the daemon from an earlier one. */
  readonly run: string;
  /** False if the daemon answered that its counts say nothing at present. */
  readonly settled: boolean;
  readonly claims: readonly Claim[];
  /** `placeOf` of each place that the daemon was asked about. It has no routes of a kind that it does not claim there. */
  readonly asked: ReadonlySet<string>;
}

export interface DaemonViews {
  readonly views: readonly DaemonView[];
  /** Daemons that run and gave no usable answer, with the reason. */
  readonly faults: ReadonlyMap<DaemonName, string>;
}

/** A VRF of the kernel. */
interface Vrf {
  readonly name: string;
  readonly table: number;
}

/** The most VRFs that zebra is asked about. */
const MOST_VRFS = 64;

/** Asks every daemon whose socket exists. `only`: the daemons to ask. Throws NetlinkError, and the signal's reason. */
export async function askDaemons(
  host: Pick<Host, 'locate' | 'stat'>,
  signal: AbortSignal,
  only: readonly DaemonName[] = ['frr', 'bird'],
): Promise<DaemonViews> {
  const views: DaemonView[] = [];
  const faults = new Map<DaemonName, string>();
  const asks = { frr: askZebra, bird: askBird } as const;
  for (const daemon of only) {
    try {
      const view = await asks[daemon](host, signal);
      if (view !== null) views.push(view);
    } catch (error) {
      if (!(error instanceof ControlSocketError)) throw error;
      faults.set(daemon, error.message);
    }
  }
  return { views, faults };
}

async function askZebra(host: Pick<Host, 'locate' | 'stat'>, signal: AbortSignal): Promise<DaemonView | null> {
  using zebra = await Zebra.open(host.locate(ZEBRA_SOCKET), signal);
  if (zebra === null) return null;
  const claims: Claim[] = [];
  const asked = new Set<string>();
  const vrfs = await vrfsOfKernel(signal);
  for (const family of FAMILIES) {
    for (const vrf of [null, ...vrfs]) {
      const counts = await zebra.installed(family, vrf?.name ?? null);
      if (counts === null) continue;
      const place = { daemon: 'frr', family, table: vrf?.table ?? MAIN_TABLE, vrf: vrf?.name ?? null } as const;
      asked.add(placeOf(place));
      for (const [protocol, installed] of counts) claims.push({ ...place, protocol, installed });
    }
  }
  return { daemon: 'frr', run: runOf(host, ZEBRA_SOCKET), settled: true, claims, asked };
}

async function askBird(host: Pick<Host, 'locate' | 'stat'>, signal: AbortSignal): Promise<DaemonView | null> {
  for (const path of BIRD_SOCKETS) {
    using bird = await Bird.open(host.locate(path), signal);
    if (bird === null) continue;
    const view = { daemon: 'bird', run: runOf(host, path) } as const;
    if (!(await bird.settled())) return { ...view, settled: false, claims: [], asked: new Set() };
    const channels = await bird.kernelChannels();
    const claims = FAMILIES.flatMap((family) => {
      const own = channels.filter((channel) => channel.family === family);
      // A kernel protocol that is off may have left its routes in the kernel.
      if (own.length === 0 || own.some(({ up }) => !up)) return [];
      const installed = own.reduce((sum, { exported }) => sum + exported, 0);
      return [{ daemon: 'bird', family, table: null, vrf: null, protocol: BIRD, installed } as const];
    });
    return { ...view, settled: true, claims, asked: new Set(claims.map(placeOf)) };
  }
  return null;
}

/** Sorted by name. A name that could be more than one word of a command is left out. */
async function vrfsOfKernel(signal: AbortSignal): Promise<Vrf[]> {
  using socket = await NetlinkSocket.open();
  const all = [...(await links(socket, signal)).values()];
  return all
    .flatMap(({ name, vrfTable }) => (vrfTable !== null && /^[\w.:@-]+$/.test(name) ? [{ name, table: vrfTable }] : []))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .slice(0, MOST_VRFS);
}

/** A daemon makes its socket anew when it starts. */
function runOf(host: Pick<Host, 'stat'>, path: string): string {
  const seen = host.stat(path);
  return seen === null ? '' : `${seen.ino} ${seen.ctimeMs}`;
}
