/** The parts of a stage beside DHCPv4: the interface's IPv6 network, and the part of the server that speaks DHCPv6. */
import { QUIET_TIMES, type StagedEvent, type StagePlan } from '../clients/stage-plan.ts';
import { HostError } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { advertiserWire } from './advertiser-wire.ts';
import type { Network, StageLink } from './network.ts';
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

/** null if the stage has no IPv6. */
export function networks6Of(host: Host, iface: string, plan: StagePlan, atBoot: boolean): Networks6 | null {
  if (plan.offer6 === undefined && routersOf(plan).length === 0) return null;
  const around = network6Around(host, iface);
  return { around, network: atBoot ? { addresses: [], routes: [] } : around };
}

const routersOf = ({ advertisements = [] }: StagePlan) => advertisements.map(({ router }) => router);

/**
 * Lines for the stage. The far side knows the host's routers also at a boot. `isBare`: the running client makes its
 * addresses and routes itself.
 */
export function linesOf6(
  host: Host,
  { around, network }: Networks6,
  plan: StagePlan,
  { link, wire, isBare }: { readonly link: StageLink; readonly wire: string; readonly isBare: boolean },
): string[] {
  const hasNothing = isBare || network.addresses.length === 0;
  const { name: iface, mtu } = link;
  return [
    ...(isBare ? [] : makeNetwork6(network, iface).map((line) => `network6 ${line}`)),
    ...(routersOf(plan).length === 0 ? [] : advertiserWire(wire, mtu).map((line) => `advertiser ${line}`)),
    ...farSide6(around, routersOf(plan), wire).map((line) => `peer6 ${line}`),
    ...networkSysctls(host, iface, 6)
      .filter(([path]) => hasNothing || !OF_OWN_ADDRESSES.test(path))
      .map(([path, value]) => `sysctl ${path} ${value}`),
  ];
}

/**
 * What is left to play where the kernel cannot send the advertisements: IPv4, because the rest of IPv6 begins with them. Throws
 * HostError if that is nothing.
 */
export function withoutSix(plan: StagePlan, event: StagedEvent): { plan: StagePlan; event: StagedEvent } {
  if (plan.offer === null || event.family === 6)
    throw new HostError('ENONE', 'this kernel has no bridge or VXLAN device to send router advertisements with');
  const { offer6: _, leasedAlso: __, ...four } = plan;
  return { plan: four, event: { ...event, also: [] } };
}

/** While one family's event comes, the other's server answers all, and its lease needs no renewal. */
export function serverPartOf(
  { offer, offer6, advertisements = [] }: StagePlan,
  event: StagedEvent,
  { wire, advertises }: { readonly wire: string; readonly advertises: boolean },
): ServerPart {
  const own = { times: event.times, answering: event.atStart ? event.answering : 'all' } as const;
  const other = { times: QUIET_TIMES, answering: 'all' } as const;
  return {
    four: offer === null ? null : { offer, server: offer.server ?? '', ...(event.family === 6 ? other : own) },
    six:
      offer6 === undefined && !advertises
        ? null
        : {
            offer: offer6 ?? null,
            advertisements: advertises ? advertisements : [],
            wire,
            ...(event.family === 6 || event.atStart ? own : other),
          },
  };
}

/** The networks as a result compares them: of the families that the stage has. */
export function comparedNetworks(
  four: { readonly around: Network; readonly network: Network } | null,
  six: Networks6 | null,
  { links }: Network,
): { around: Network; network: Network } {
  const both = (which: 'around' | 'network'): Network => {
    const found = [...(four === null ? [] : [four[which]]), ...(six === null ? [] : [withoutLinkLocal(six[which])])];
    return {
      links,
      addresses: found.flatMap(({ addresses }) => addresses),
      routes: found.flatMap(({ routes }) => routes),
    };
  };
  return { around: both('around'), network: both('network') };
}
