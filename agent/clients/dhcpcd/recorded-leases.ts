/** What dhcpcd has on record of an interface for a rehearsal: its lease files, and the routers that it heard. */
import type { Host } from '../../host/host.ts';
import { readDhcp6Message } from '../dhcp6-message.ts';
import type { RecordedAdvertisement } from '../recorded-advertisement.ts';
import { offerIn, type RecordedOffer } from '../recorded-offer.ts';
import { offer6In, type RecordedOffer6 } from '../recorded-offer6.ts';
import { printedAdvertisements, printedParts } from './printed-lease.ts';
import { DHCPCD_LEASES, printedLeases } from './running.ts';

export interface RecordedSix {
  /** null if dhcpcd has nothing by DHCPv6, or the stage cannot offer it. */
  readonly offer6: RecordedOffer6 | null;
  readonly advertisements: readonly RecordedAdvertisement[];
  /** The name servers of router advertisements, where the advertisements are unknown. */
  readonly advertisedServers: readonly string[];
  /** A sentence for each part that the stage does not have. */
  readonly unplayed: readonly string[];
}

/** null if there is no lease. */
export function recordedFour(host: Host, iface: string): RecordedOffer | null {
  for (const folder of DHCPCD_LEASES) {
    const packet = host.read(`${folder}/${iface}.lease`);
    const offer = packet === null ? null : offerIn(packet);
    if (offer !== null) return offer;
  }
  return null;
}

/**
 * The running dhcpcd says whether it has DHCPv6 (`dhcpcd -U`), because a lease file may be of another time. `family`: as
 * dhcpcd was started.
 */
export function recordedSix(host: Host, iface: string, family: readonly string[]): RecordedSix {
  const packet = DHCPCD_LEASES.map((folder) => host.read(`${folder}/${iface}.lease6`)).find((one) => one !== null);
  const printed = printedLeases(host, iface, family);
  if (printed === null) {
    const unplayed = packet === undefined ? [] : [`${unsaid(iface)}, so the stage has neither`];
    return { offer6: null, advertisements: [], advertisedServers: hookServers(host, iface), unplayed };
  }
  const advertisements = printedAdvertisements(printed, iface);
  const known = { advertisements, advertisedServers: [] };
  const hasLease = printedParts(printed, iface).some((part) => part.includes('\nprotocol=dhcp6\n'));
  if (!hasLease) return { ...known, offer6: null, unplayed: [] };
  const offer6 = packet === undefined ? null : offer6In(packet);
  const codes = packet === undefined ? [] : (readDhcp6Message(packet)?.options.map(({ code }) => code) ?? []);
  const why = packet === undefined ? 'without a lease file' : unoffered(offer6, codes);
  if (why !== null) {
    const unplayed = [`dhcpcd has a DHCPv6 lease of ${iface} ${why}, which the stage does not offer`];
    return { ...known, offer6: null, unplayed };
  }
  return { ...known, offer6, unplayed: codes.includes(IA_PD) ? [undelegated(iface)] : [] };
}

const undelegated = (iface: string) =>
  `dhcpcd has a delegated prefix by ${iface}, and the server of the stage delegates none: nothing that it brings is shown`;

const unsaid = (iface: string) =>
  `dhcpcd has recorded a DHCPv6 lease of ${iface}, and does not say whether it still has that or what routers advertise`;

const IA_TA = 4;
const IA_PD = 25;

/** Why the lease cannot be offered again; null if it can. `codes`: the options of the server's message. */
function unoffered(offer: RecordedOffer6 | null, codes: readonly number[]): string | null {
  if (offer === null) return 'that cannot be read';
  if (codes.includes(IA_PD) && offer.address === null) return 'with a delegated prefix and no address';
  return codes.includes(IA_TA) ? 'with a temporary address' : null;
}

/** The name servers as dhcpcd's hook for resolv.conf keeps them, if no resolvconf(8) is installed. */
function hookServers(host: Host, iface: string): string[] {
  const kept = host.readText(`/run/dhcpcd/hook-state/resolv.conf/${iface}.ra`) ?? '';
  return [...kept.matchAll(/^nameserver[ \t]+(\S+)/gm)].map(([, server]) => server!);
}
