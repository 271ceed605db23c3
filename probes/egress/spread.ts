/** How flows spread over the gateways: the kernel's choice for each flow of a fixed sample, against the weights. */
import type { Family } from '../../agent/address/address.ts';
import type { DefaultRouteView, Gateway } from '../../agent/egress/look.ts';
import { bytesOf } from '../../agent/host/netlink/routes/route.ts';
import { type Flow, FlowSample, takesFlowLabels, type Way } from '../../agent/host/netlink/routes/route-lookup.ts';
import type { NetlinkSocket } from '../../agent/host/netlink/socket.ts';

/** Flows in a sample. With two gateways a share of one half is measured within 0.09, 99.7 times of 100. */
export const FLOWS = 256;

/**
 * `destinations`: each flow to another address. `connections`: all between the same two addresses, by different ports.
 * `labels`: like `connections`, each with its own IPv6 flow label, as forwarded packets have it.
 */
export type Kind = 'destinations' | 'connections' | 'labels';
export const KINDS = ['destinations', 'connections', 'labels'] as const satisfies readonly Kind[];

const FIRST_PORT = 32_768;
const HTTPS = 443;
/** 20 bits hold the labels of a whole sample. */
const FIRST_LABEL = 0x12345;
const LABEL_STEP = 2_053;

export interface Share {
  readonly gateway: Gateway;
  /** The observed share, from 0 to 1. */
  readonly seen: number;
  /** The share by weight among the reachable gateways. */
  readonly expected: number;
}

/** Asks about the same flows each time, so that moved flows can be counted. */
export class Sampler {
  readonly #family: Family;
  readonly #flows: Readonly<Record<Kind, readonly Flow[]>>;
  readonly #samples = new Map<Kind, FlowSample>();
  /** null until the kernel was asked. */
  #hasLabels: boolean | null;

  constructor(family: Family, beyond: string) {
    this.#family = family;
    this.#hasLabels = family === 'ipv4' ? false : null;
    this.#flows = {
      destinations: flows((n) => ({ host: n }), beyond),
      connections: flows(() => ({ host: 1 }), beyond),
      labels: flows((n) => ({ host: 1, flowLabel: FIRST_LABEL + LABEL_STEP * n }), beyond),
    };
  }

  /** Empty for flow labels that this kernel's look-up ignores, and in IPv4. Throws NetlinkError. */
  async ways(kind: Kind, socket: NetlinkSocket, signal: AbortSignal): Promise<(Way | null)[]> {
    if (kind === 'labels') {
      this.#hasLabels ??= await takesFlowLabels(socket, this.#flows.labels[0]!.destination, signal);
      if (!this.#hasLabels) return [];
    }
    const sample = this.#samples.get(kind) ?? new FlowSample(this.#family, this.#flows[kind]);
    this.#samples.set(kind, sample);
    return sample.ways(socket, signal);
  }
}

function flows(choose: (n: number) => { host: number; flowLabel?: number }, beyond: string): Flow[] {
  return Array.from({ length: FLOWS }, (_, n) => {
    const { host, ...label } = choose(n);
    const destination = bytesOf(beyond);
    destination[destination.length - 1] = host;
    return { destination, sourcePort: FIRST_PORT + 61 * n, destinationPort: HTTPS, ...label };
  });
}

/** One share for each gateway; none if no flow was sampled. */
export function shares({ gateways }: Pick<DefaultRouteView, 'gateways'>, ways: readonly (Way | null)[]): Share[] {
  if (ways.length === 0) return [];
  const serving = gateways.some(reachable) ? gateways.filter(reachable) : gateways;
  const weights = serving.reduce((sum, { weight }) => sum + weight, 0);
  return gateways.map((gateway) => ({
    gateway,
    seen: ways.filter((way) => takes(way, gateway)).length / ways.length,
    expected: serving.includes(gateway) ? gateway.weight / weights : 0,
  }));
}

/**
 * Whether the shares differ from the weights by more than chance: by five standard deviations of a sample of this size,
 * which chance reaches once in two million samples.
 */
export function unbalanced(all: readonly Share[]): boolean {
  return all.some(({ seen, expected }) => {
    return Math.abs(seen - expected) > 5 * Math.sqrt((expected * (1 - expected)) / FLOWS);
  });
}

export interface Moves {
  /** Flows that had to move: their gateway went away or became unreachable, or they use a new gateway. */
  readonly needed: number;
  /** Flows that moved between two gateways although neither of these came or went. */
  readonly needless: number;
  /** Flows that lost their gateway and have no other gateway. */
  readonly stranded: number;
}

/** Counts the flows of a sample by their moves. `before` and `after` are the gateways at those times. */
export function moves(
  before: { gateways: readonly Gateway[]; ways: readonly (Way | null)[] },
  after: { gateways: readonly Gateway[]; ways: readonly (Way | null)[] },
): Moves {
  const count = { needed: 0, needless: 0, stranded: 0 };
  for (const [n, old] of before.ways.entries()) {
    const now = after.ways[n] ?? null;
    if (old === null || same(old, now)) continue;
    if (now === null) count.stranded += 1;
    else if (serving(after.gateways, old) && serving(before.gateways, now)) count.needless += 1;
    else count.needed += 1;
  }
  return count;
}

function reachable(gateway: Gateway): boolean {
  return gateway.reachable;
}

function serving(gateways: readonly Gateway[], way: Way): boolean {
  return gateways.some((gateway) => takes(way, gateway) && gateway.reachable);
}

function takes(way: Way | null, { index, address }: Gateway): boolean {
  return way !== null && way.index === index && way.gateway === address;
}

function same(one: Way, other: Way | null): boolean {
  return other !== null && one.index === other.index && one.gateway === other.gateway;
}
