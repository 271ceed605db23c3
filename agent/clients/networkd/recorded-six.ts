/**
 * What systemd-networkd has of DHCPv6 and of router advertisements, for a rehearsal. It tells the servers and domains that it
 * uses. The rest is in the kernel.
 */
import type { IpAddress } from '../../address/accepted.ts';
import type { Host } from '../../host/host.ts';
import { kernelAdvertisements, kernelDelegations, kernelLease6, wholeAdvertisement } from '../kernel-advertisements.ts';
import { ipv6Addresses } from '../option-bytes.ts';
import type { RecordedAdvertisement } from '../recorded-advertisement.ts';
import type { RecordedOffer6 } from '../recorded-offer6.ts';
import { toldOffer6 } from '../told-offer6.ts';
import { addressesFrom, addressIn, type Entry, from, type LinkSource, type ToldLink, toldOf } from './dhcp6-lease.ts';
import type { NetworkdLink } from './managed-links.ts';

export interface NetworkdSix {
  /** null if the link has nothing by DHCPv6. */
  readonly offer6: RecordedOffer6 | null;
  readonly advertisements: readonly RecordedAdvertisement[];
  /** A sentence for each part that the stage does not have. */
  readonly notes: readonly string[];
}

export function networkdSix(host: Host, link: NetworkdLink): NetworkdSix {
  const told = toldOf(host, link.name);
  return told === null ? untold(host, link) : toldSix(host, link.name, told);
}

/** The names of systemd's versions for a delegated prefix. */
const DELEGATED = ['DHCPv6-PD', 'DHCP-PD'] as const;

function toldSix(host: Host, iface: string, told: ToldLink): NetworkdSix {
  const names = (source: LinkSource) => from(told.SearchDomains, source).flatMap(domainIn);
  const [leased = null] = addressesFrom(told.Addresses, 'DHCPv6');
  const values = {
    nameservers: addressesFrom(told.DNS, 'DHCPv6'),
    search: names('DHCPv6').map(({ name }) => name),
    timeServers: addressesFrom(told.NTP, 'DHCPv6'),
  };
  const byDhcp = leased !== null || Object.values(values).some(({ length }) => length > 0);
  const servers = from(told.DNS, 'NDisc').flatMap(serverIn);
  const domains = names('NDisc');
  const heard = [...servers, ...domains, ...from(told.Routes, 'NDisc').map(senderOf)].flatMap(
    ({ router }) => router ?? [],
  );
  const delegated = DELEGATED.flatMap((source) => addressesFrom(told.Addresses, source));
  const seen = kernelAdvertisements(host, iface, { leased, delegated, heard: [...new Set(heard)] });
  const advertisements = seen.map((one) => {
    const isOwn = ({ router }: Sent) => router === null || router === one.router;
    return wholeAdvertisement(one, {
      managed: leased !== null,
      other: leased === null && byDhcp,
      servers: servers.filter(isOwn).map(({ address }) => address),
      domains: domains.filter(isOwn).map(({ name }) => name),
    });
  });
  const isSilent = byDhcp || advertisements.length > 0 ? values.nameservers.length + servers.length === 0 : false;
  return {
    offer6: byDhcp ? toldOffer6({ address: leased, ...values }) : null,
    advertisements,
    notes: [
      ...(isSilent ? [UNUSED(iface)] : []),
      ...(servers.length > 1 || domains.length > 1
        ? [
            `systemd-networkd puts the name servers and search domains of router advertisements on ${iface} into an order of chance at each start`,
          ]
        : []),
      ...(DELEGATED.some((source) => from(told.Addresses, source).length + from(told.Routes, source).length > 0)
        ? [`${iface} has an address of a delegated prefix, and the server of the stage delegates none`]
        : []),
      ...undelegated(host),
    ],
  };
}

/** systemd-networkd makes an unreachable route of each delegated prefix, and does not tell by which link it came. */
function undelegated(host: Host): string[] {
  const delegated = kernelDelegations(host);
  if (delegated.length === 0) return [];
  return [
    `systemd-networkd has the delegated prefix ${delegated.join(', ')}, and the server of the stage delegates none: nothing that it brings is shown`,
  ];
}

/** Before systemd 248: the servers in use are known, and not who sent them. */
function untold(host: Host, { name, servers }: NetworkdLink): NetworkdSix {
  const leased = kernelLease6(host, name);
  const used = ipv6Addresses(servers);
  const offer6 =
    leased === null ? null : toldOffer6({ address: leased, nameservers: used, search: [], timeServers: [] });
  const advertisements = kernelAdvertisements(host, name, { leased, heard: [] }).map((one, at) => {
    const heard = offer6 === null && at === 0 ? used : [];
    return wholeAdvertisement(one, { managed: leased !== null, other: false, servers: heard, domains: [] });
  });
  if (offer6 === null && advertisements.length === 0) return { offer6, advertisements, notes: [] };
  const notes = [
    ...undelegated(host),
    `before systemd 248, systemd-networkd does not say who sent the IPv6 name servers of ${name}: the rehearsal takes them for those of ${offer6 === null ? 'router advertisements' : 'DHCPv6'}, and knows no search domains of IPv6`,
  ];
  return { offer6, advertisements, notes };
}

const UNUSED = (iface: string) =>
  `systemd-networkd uses no name server of DHCPv6 or router advertisements on ${iface}, and does not tell those that it passes over: the stage offers none`;

interface Sent {
  /** null if systemd-networkd does not name the sender. */
  readonly router: IpAddress | null;
}

const senderOf = ({ ConfigProvider }: Entry): Sent => ({ router: addressIn(ConfigProvider) });

function serverIn(entry: Entry): (Sent & { readonly address: IpAddress })[] {
  const address = addressIn(entry.Address);
  return address === null ? [] : [{ ...senderOf(entry), address }];
}

function domainIn(entry: Entry): (Sent & { readonly name: string })[] {
  return typeof entry.Domain === 'string' ? [{ ...senderOf(entry), name: entry.Domain }] : [];
}
