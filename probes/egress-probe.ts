/**
 * Egress: whether traffic by the default route leaves through all gateways as it should. The probe asks the kernel
 * where it would send a sample of flows, and reads only the one route that they take.
 */
import type { Family } from '../agent/address/address.ts';
import { type DefaultRouteView, EgressLook, type Gateway } from '../agent/egress/look.ts';
import type { Host } from '../agent/host/host.ts';
import type { Way } from '../agent/host/netlink/routes/route-lookup.ts';
import { NetlinkSocket } from '../agent/host/netlink/socket.ts';
import { protocolName } from '../agent/host/netlink/table-names.ts';
import { changedEvent } from './egress/changed-event.ts';
import { GATEWAYS_HEAD, gatewayRows } from './egress/gateway-rows.ts';
import { Lifetime } from './egress/lifetime.ts';
import { FLOWS, KINDS, type Kind, moves, Sampler, shares } from './egress/spread.ts';
import { filterConditions, filteredPackets, LABEL, type Spread, spreadConditions } from './egress/traps.ts';
import { type Condition, type Occurrence, type Probe, type Reading, type SampleAttributes, sample } from './probe.ts';

const FAMILIES = ['ipv4', 'ipv6'] as const;

/** Milliseconds between looks at the gateways. */
const LOOK_EVERY = 5_000;
/** Milliseconds between full judgements, and between samples of flows, while the gateways stay the same. */
const JUDGE_EVERY = 30_000;
const SAMPLE_EVERY = 120_000;

/** One family at the last sample. */
interface Seen {
  readonly egress: DefaultRouteView | null;
  readonly ways: Readonly<Record<Kind, readonly (Way | null)[]>> | null;
  readonly spread: Spread | null;
  readonly at: number;
}

export function egressProbe(host: Pick<Host, 'sysctl'>, clock = () => performance.now()): Probe {
  const watched = FAMILIES.map((family) => new Watched(family, host, clock));
  let socket: NetlinkSocket | null = null;
  let filtered: { readings: Reading[]; at: number } | null = null;
  return {
    name: 'egress',
    cost: 'constant',
    interval: LOOK_EVERY,
    async read(signal) {
      if (socket === null || socket.closed) socket = await NetlinkSocket.open();
      const readings: Reading[] = [];
      for (const one of watched) readings.push(...(await one.read(socket, signal)));
      if (filtered === null || clock() - filtered.at >= JUDGE_EVERY) {
        const packets = filteredPackets();
        const told = packets === null ? [] : [sample('system.network.egress.rp_filter.drops', packets)];
        filtered = { readings: told, at: clock() };
      }
      return [...readings, ...filtered.readings];
    },
    table: () => [GATEWAYS_HEAD, ...watched.flatMap((one) => one.table())],
    async close() {
      socket?.[Symbol.dispose]();
    },
  };
}

class Watched {
  readonly #family: Family;
  readonly #host: Pick<Host, 'sysctl'>;
  readonly #clock: () => number;
  readonly #look: EgressLook;
  readonly #lifetime = new Lifetime();
  #sampler: { beyond: string; sampler: Sampler } | null = null;
  #seen: Seen | null = null;
  #picture = '';
  #sysctls = '';
  #readings: Reading[] = [];
  #judged = 0;
  #moved = { needed: 0, needless: 0 };

  constructor(family: Family, host: Pick<Host, 'sysctl'>, clock: () => number) {
    this.#family = family;
    this.#host = host;
    this.#clock = clock;
    this.#look = new EgressLook(family);
  }

  async read(socket: NetlinkSocket, signal: AbortSignal): Promise<Reading[]> {
    const egress = await this.#look.read(socket, signal);
    if (egress === 'unseen') {
      this.#seen = null;
      return [unseen(this.#family)];
    }
    const turned = this.#lifetime.see(egress, this.#clock());
    const before = this.#seen;
    const now = picture(egress);
    const changed = before !== null && this.#picture !== now;
    this.#picture = now;
    // Usually nothing changed, so the earlier readings stay true.
    const isRecent = this.#clock() - this.#judged < JUDGE_EVERY;
    if (before !== null && !changed && !turned && isRecent) return this.#readings;
    this.#judged = this.#clock();
    const sysctls = DECIDING[this.#family].map((key) => this.#host.sysctl(key)).join();
    const sampled =
      before !== null && !changed && this.#sysctls === sysctls && this.#clock() - before.at < SAMPLE_EVERY;
    this.#sysctls = sysctls;
    this.#seen = sampled ? { ...before, egress } : await this.#sample(egress, socket, signal);
    const events = changed ? this.#tell(before, this.#seen) : []; // also counts the flows that moved
    this.#readings = this.#told(this.#seen);
    return [...events, ...this.#readings];
  }

  async #sample(egress: DefaultRouteView | null, socket: NetlinkSocket, signal: AbortSignal): Promise<Seen> {
    const at = this.#clock();
    if (egress === null) return { egress, ways: null, spread: null, at };
    const [only, second] = egress.gateways;
    if (only !== undefined && second === undefined) return { ...alone(this.#family, egress, only), at };
    // The same flows are sampled for as long as they take the default route.
    if (this.#sampler?.beyond !== egress.beyond) {
      this.#sampler = { beyond: egress.beyond, sampler: new Sampler(this.#family, egress.beyond) };
    }
    const { sampler } = this.#sampler;
    const ask = (kind: Kind) => sampler.ways(kind, socket, signal);
    const destinations = await ask('destinations');
    const ways = { destinations, connections: await ask('connections'), labels: await ask('labels') };
    const spread = {
      destinations: shares(egress, ways.destinations),
      connections: shares(egress, ways.connections),
      labels: shares(egress, ways.labels),
    };
    return { egress, ways, spread, at };
  }

  /** The event of gateways that came or went, with the flows that moved. */
  #tell(before: Seen, after: Seen): Occurrence[] {
    const [old, now] = [before.egress?.gateways ?? [], after.egress?.gateways ?? []];
    const gone = old.filter(
      (gateway) => gateway.reachable && !now.some((one) => isSame(one, gateway) && one.reachable),
    );
    const come = now.filter(
      (gateway) => gateway.reachable && !old.some((one) => isSame(one, gateway) && one.reachable),
    );
    if (gone.length === 0 && come.length === 0) return [];
    const comparable = before.egress === null || after.egress === null || before.egress.beyond === after.egress.beyond;
    const moved = comparable
      ? moves(
          { gateways: old, ways: before.ways?.destinations ?? [] },
          { gateways: now, ways: after.ways?.destinations ?? [] },
        )
      : null;
    this.#moved.needed += moved?.needed ?? 0;
    this.#moved.needless += moved?.needless ?? 0;
    return [changedEvent(this.#family, after.egress, { gone, come, moved, carried: before.ways !== null })];
  }

  #told({ egress, spread }: Seen): Reading[] {
    const family = { 'network.type': this.#family };
    const gateways = egress?.gateways ?? [];
    const readings: Reading[] = [
      sample('system.network.egress.gateways', gateways.filter(({ reachable }) => reachable).length, {
        ...family,
        ...(egress === null ? {} : { protocol: protocolName(egress.protocol), table: egress.table }),
      }),
      ...gateways.flatMap((gateway) => {
        const { neighbour } = gateway;
        const attributes = { ...family, ...attributesOf(gateway) };
        return neighbour === null
          ? []
          : [sample('system.network.egress.neighbor', 1, { ...attributes, state: neighbour })];
      }),
      sample('system.network.egress.moves', this.#moved.needed, { ...family, needed: true }),
      sample('system.network.egress.moves', this.#moved.needless, { ...family, needed: false }),
    ];
    readings.push(...(egress === null ? [] : lifetimeSample(this.#family, egress)));
    if (egress === null || spread === null) return readings;
    for (const kind of KINDS) {
      for (const { gateway, seen } of spread[kind]) {
        readings.push(
          sample('system.network.egress.share', seen, { ...family, ...attributesOf(gateway), flows: kind }),
        );
      }
    }
    for (const { gateway, expected } of spread.destinations) {
      readings.push(sample('system.network.egress.expected', expected, { ...family, ...attributesOf(gateway) }));
    }
    return [...readings, ...this.#conditions(egress, spread)];
  }

  #conditions(egress: DefaultRouteView, spread: Spread): Condition[] {
    const filters = this.#family === 'ipv4' ? filterConditions(egress, this.#host) : [];
    return [...spreadConditions(this.#family, egress, spread, this.#host), ...filters, ...this.#lifetime.conditions];
  }

  table(): string[][] {
    const { egress = null, spread = null } = this.#seen ?? {};
    return gatewayRows(this.#family, egress, spread);
  }
}

/** The result for a single gateway, which takes all flows. */
function alone(family: Family, egress: DefaultRouteView, { index, address }: Gateway): Omit<Seen, 'at'> {
  const ways = Array.from({ length: FLOWS }, () => ({ index, gateway: address }));
  const all = shares(egress, ways);
  const labels = family === 'ipv4' ? [] : all;
  return {
    egress,
    ways: { destinations: ways, connections: ways, labels: [] },
    spread: { destinations: all, connections: all, labels },
  };
}

function lifetimeSample(family: Family, { expires, protocol, preference }: DefaultRouteView): Reading[] {
  if (expires === null) return [];
  const rank = preference === null ? {} : { preference };
  const attributes = { 'network.type': family, protocol: protocolName(protocol), ...rank };
  return [sample('system.network.egress.expires', expires, attributes)];
}

/** The sysctls by which the kernel chooses among next hops. */
const DECIDING = {
  ipv4: ['net/ipv4/fib_multipath_hash_policy', 'net/ipv4/fib_multipath_use_neigh'],
  ipv6: ['net/ipv6/fib_multipath_hash_policy'],
} as const;

/** The parts whose change makes a new sample of flows necessary, as text. */
function picture(egress: DefaultRouteView | null): string {
  if (egress === null) return '';
  const { table, protocol, metric, gateways } = egress;
  const each = gateways.map((one) => `${one.index} ${one.address} ${one.weight} ${one.reachable}`);
  return `${table} ${protocol} ${metric} ${each.sort().join()}`;
}

function isSame(one: Gateway, other: Gateway): boolean {
  return one.index === other.index && one.address === other.address;
}

function attributesOf({ address, interface: link }: Gateway): SampleAttributes {
  return { gateway: address ?? 'link', 'network.interface.name': link };
}

function unseen(family: Family): Condition {
  const body = `It is unknown where the ${LABEL[family]} default route leads: every address that the probe asks for has its own route`;
  return { kind: 'condition', code: 'egress-unseen', severity: 'info', body, attributes: { 'network.type': family } };
}
