/** Names routes that a daemon has and the kernel has not, or the other way round. */
import type { Host } from '../../agent/host/host.ts';
import { countRoutes } from '../../agent/host/netlink/routes/counts.ts';
import { prefixesOf, prefixKey, prefixOfKey } from '../../agent/host/netlink/routes/prefixes.ts';
import { BIRD_SOCKETS, Bird } from '../../agent/host/routing-daemons/bird.ts';
import { ZEBRA_SOCKET, Zebra } from '../../agent/host/routing-daemons/zebra.ts';
import { askDaemons, type Claim } from './claims.ts';
import { covers, inKernel } from './differences.ts';

/** The most routes that are named on each side. */
const MOST = 20;
/** A million routes are some 100 MB of text. */
const LONG = { time: 120_000, bytes: 2 ** 29 } as const;

/** One kind of routes of which the daemon and the kernel have different numbers. */
export interface ListedDifference {
  readonly claim: Claim;
  readonly kernel: number;
  readonly onlyDaemon: SomeRoutes;
  readonly onlyKernel: SomeRoutes;
}

export interface SomeRoutes {
  readonly count: number;
  /** The first of them. */
  readonly prefixes: readonly string[];
}

export interface DifferenceListing {
  readonly differences: readonly ListedDifference[];
  /** How many daemons run and gave a usable answer. */
  readonly answered: number;
  /** Daemons that run and gave no usable answer. */
  readonly faults: readonly string[];
}

type DaemonHost = Pick<Host, 'locate' | 'stat'>;

/**
 * Looks once, and lists the routes of each kind that differs in number. Throws ControlSocketError, NetlinkError and the signal's
 * reason.
 */
export async function listDifferences(host: DaemonHost, signal: AbortSignal): Promise<DifferenceListing> {
  const { views, faults } = await askDaemons(host, signal);
  const counts = { ipv4: await countRoutes('ipv4', signal), ipv6: await countRoutes('ipv6', signal) };
  const differences: ListedDifference[] = [];
  for (const claim of views.flatMap(({ claims }) => claims)) {
    const kernel = inKernel(claim, counts[claim.family]);
    if (kernel !== claim.installed) differences.push({ claim, kernel, ...(await sides(host, claim, signal)) });
  }
  return { differences, answered: views.length, faults: [...faults.values()] };
}

async function sides(host: DaemonHost, claim: Claim, signal: AbortSignal) {
  const { family } = claim;
  const rest = await prefixesOf(family, (route) => covers(claim, route), signal);
  const onlyDaemon = { count: 0, prefixes: [] as string[] };
  await eachRoute(host, claim, signal, (prefix) => {
    const key = prefixKey(family, prefix);
    if (key === null) return;
    const left = rest.get(key) ?? 0;
    if (left > 1) rest.set(key, left - 1);
    else if (left === 1) rest.delete(key);
    else if (++onlyDaemon.count <= MOST) onlyDaemon.prefixes.push(prefix);
  });
  const onlyKernel = {
    count: rest.values().reduce((sum, number) => sum + number, 0),
    prefixes: [...rest.keys().take(MOST)].map(prefixOfKey),
  };
  return { onlyDaemon, onlyKernel };
}

/** Passes on the prefix of each route that the daemon says the kernel took. */
async function eachRoute(
  host: DaemonHost,
  { daemon, family, vrf, protocol }: Claim,
  signal: AbortSignal,
  take: (prefix: string) => void,
): Promise<void> {
  if (daemon === 'frr') {
    using zebra = await Zebra.open(host.locate(ZEBRA_SOCKET), signal, LONG);
    await zebra?.routes(family, vrf, (prefix, mark) => {
      if (mark === protocol) take(prefix);
    });
    return;
  }
  for (const path of BIRD_SOCKETS) {
    using bird = await Bird.open(host.locate(path), signal, LONG);
    if (bird === null) continue;
    const channels = await bird.kernelChannels();
    for (const one of channels.filter((channel) => channel.family === family)) {
      await bird.routes(one.protocol, take);
    }
    return;
  }
}
