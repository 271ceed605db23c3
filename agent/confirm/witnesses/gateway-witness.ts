/**
 * The gateways of the default route that is in force when they are asked. They must answer ARP or neighbour discovery, or
 * a ping where the link has neither.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { IpAddress } from '../../address/accepted.ts';
import type { Family } from '../../address/address.ts';
import type { Host } from '../../host/host.ts';
import { findLink } from '../../host/netlink/links.ts';
import { askNeighbour, neighbour } from '../../host/netlink/neighbours.ts';
import { defaultRoutes } from '../../host/netlink/routes/default-routes.ts';
import { hopsOf } from '../../host/netlink/routes/nexthops.ts';
import { NetlinkSocket } from '../../host/netlink/socket.ts';
import { monotonicNow } from '../../host/steady-clock.ts';
import type { WitnessPlace } from '../judgement.ts';
import { ANSWERS, type ConfirmWitness, type Hearing, makeWitness, silent } from './confirm-witness.ts';
import { pinged } from './ping.ts';
import { FAMILY_NAMES } from './places.ts';

interface GatewayPlace extends WitnessPlace {
  readonly gateway: IpAddress;
  readonly index: number;
}

/** Milliseconds between looks at the neighbour's state, and their number: the kernel asks three times, a second apart. */
const LOOK = 50;
const LOOKS = 70;

export function gatewayWitness(host: Host, family: Family): ConfirmWitness {
  return makeWitness({
    name: `gateway (${FAMILY_NAMES[family]})`,
    kind: 'gateway',
    places: (signal) => gatewaysOf(family, signal),
    hear: (places, _, signal) => allOf(places, (place) => heardByLink(host, place as GatewayPlace, signal)),
    astray: `no default route with a gateway for ${FAMILY_NAMES[family]}`,
  });
}

/** The same gateways, by a ping; by the link if a sandbox bars ping. */
export function pingedGatewayWitness(host: Host, family: Family): ConfirmWitness {
  return makeWitness({
    name: `ping gateway (${FAMILY_NAMES[family]})`,
    kind: 'ping',
    places: (signal) => gatewaysOf(family, signal),
    hear: (places, _, signal) =>
      allOf(places, (place) =>
        pinged(host, place.address, signal, () => heardByLink(host, place as GatewayPlace, signal)),
      ),
    astray: `no default route with a gateway for ${FAMILY_NAMES[family]}`,
  });
}

/** Packets use all gateways of the route, so all of them must answer. */
async function allOf(
  places: readonly WitnessPlace[],
  ask: (place: WitnessPlace) => Promise<Hearing>,
): Promise<Hearing> {
  const heard = await Promise.all(places.map(ask));
  return heard.find(({ why }) => why !== null) ?? ANSWERS;
}

async function gatewaysOf(family: Family, signal: AbortSignal): Promise<GatewayPlace[]> {
  const routes = await defaultRoutes(family, signal);
  using socket = await NetlinkSocket.open();
  const found = new Map<string, GatewayPlace>();
  // Several routes of one metric are used together; IPv6 has such routes from router advertisements.
  for (const route of routes.filter(({ metric }) => metric === routes[0]?.metric)) {
    for (const { gateway, index } of await hopsOf(socket, route, signal)) {
      const link = gateway === null ? null : await findLink(socket, index, signal);
      if (gateway === null || link === null) continue;
      const address = /^fe[89ab]/i.test(gateway) ? `${gateway}%${link.name}` : gateway;
      found.set(address, { address, way: `dev ${link.name}`, gateway, index });
    }
  }
  return [...found.values()].sort((a, b) => (a.address < b.address ? -1 : 1));
}

async function heardByLink(host: Host, hop: GatewayPlace, signal: AbortSignal): Promise<Hearing> {
  const asked = monotonicNow();
  if (!(await asksByLink(hop, signal))) return pinged(host, hop.address, signal);
  using socket = await NetlinkSocket.open();
  for (let looks = 0; looks < LOOKS; looks += 1) {
    await sleep(LOOK, undefined, { signal });
    const now = await neighbour(socket, hop, signal);
    if (now === null || now.state === 'failed') break;
    if (now.confirmed !== null && now.confirmed <= monotonicNow() - asked) return ANSWERS;
  }
  return silent(`${hop.address} does not answer on its link`);
}

/** False if this link, kernel or user cannot ask the neighbour. */
async function asksByLink(hop: GatewayPlace, signal: AbortSignal): Promise<boolean> {
  try {
    using socket = await NetlinkSocket.open();
    const known = await neighbour(socket, hop, signal);
    if (known === null || known.state === 'noarp' || known.state === 'permanent') return false;
    await askNeighbour(socket, hop, known, signal);
    const asked = await neighbour(socket, hop, signal);
    return asked !== null && asked.state !== 'none' && asked.state !== 'noarp';
  } catch {
    return false;
  }
}
