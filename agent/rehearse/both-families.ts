/** The parts of a stage beside DHCPv4: the interface's IPv6 network, and the part of the server that speaks DHCPv6. */
import { QUIET_TIMES, type StagedEvent, type StagePlan } from '../clients/stage-plan.ts';
import type { Host } from '../host/host.ts';
import type { Network } from './network.ts';
import {
  farSide6,
  makeNetwork6,
  type Network6,
  network6Around,
  OF_OWN_ADDRESSES,
  withoutLinkLocal,
} from './network6.ts';
import { networkSysctls } from './result.ts';
import type { ServerPart } from './server/protocol.ts';

export interface Networks6 {
  /** The host's. */
  readonly around: Network6;
  /** The stage's. At the machine's start the link has nothing, and makes its own address when it comes up. */
  readonly network: Network6;
}

export function networks6Of(host: Host, iface: string, atBoot: boolean): Networks6 {
  const around = network6Around(host, iface);
  return { around, network: atBoot ? { addresses: [], routes: [] } : around };
}

/** Lines for the stage. The far side knows the host's routers also at a boot. */
export function linesOf6(host: Host, iface: string, { around, network }: Networks6, wire: string): string[] {
  const isBare = network.addresses.length === 0;
  return [
    ...makeNetwork6(network, iface).map((line) => `network6 ${line}`),
    ...farSide6(around, wire).map((line) => `peer6 ${line}`),
    ...networkSysctls(host, iface, 6)
      .filter(([path]) => isBare || !OF_OWN_ADDRESSES.test(path))
      .map(([path, value]) => `sysctl ${path} ${value}`),
  ];
}

/** While one family's event comes, the other's server answers all, and its lease needs no renewal. */
export function serverPartOf({ offer, offer6 }: StagePlan, event: StagedEvent, wire: string): ServerPart {
  const own = { times: event.times, answering: event.atStart ? event.answering : 'all' } as const;
  const other = { times: QUIET_TIMES, answering: 'all' } as const;
  return {
    four: offer === null ? null : { offer, server: offer.server ?? '', ...(event.family === 6 ? other : own) },
    six: offer6 === undefined ? null : { offer: offer6, wire, ...(event.family === 6 || event.atStart ? own : other) },
  };
}

/** Both, as a result compares them. */
export function asNetworks({ links }: Network, { around, network }: Networks6) {
  return { around: { links, ...withoutLinkLocal(around) }, network: { links, ...withoutLinkLocal(network) } };
}
