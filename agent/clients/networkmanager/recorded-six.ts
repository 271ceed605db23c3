/**
 * What NetworkManager has of DHCPv6 and of router advertisements, for a rehearsal: its record of the device has the lease, D-Bus
 * has the servers and domains of both, and the kernel has the rest.
 */
import type { IpAddress } from '../../address/accepted.ts';
import { addressOfBytes } from '../../address/address-checks.ts';
import type { Host } from '../../host/host.ts';
import { kernelAdvertisements, wholeAdvertisement } from '../kernel-advertisements.ts';
import { ipv6Addresses } from '../option-bytes.ts';
import type { RecordedAdvertisement } from '../recorded-advertisement.ts';
import type { RecordedOffer6 } from '../recorded-offer6.ts';
import { toldOffer6 } from '../told-offer6.ts';
import { type DeviceNames6, names6InForce } from './applied.ts';
import { type ManagedDevice, networkManagerWords, valueIn } from './profiles.ts';

export interface NetworkManagerSix {
  /** null if the device has nothing by DHCPv6. */
  readonly offer6: RecordedOffer6 | null;
  readonly advertisements: readonly RecordedAdvertisement[];
  /** The values that nmcli(1) shows once NetworkManager has all of this. */
  readonly shown: readonly string[];
  /** A sentence for each part that the stage does not have. */
  readonly notes: readonly string[];
}

export function networkManagerSix(host: Host, { name, record, profile }: ManagedDevice): NetworkManagerSix {
  const words = (key: string) => networkManagerWords(valueIn(record, 'dhcp6', `dhcp6.${key}`));
  const byDhcp = record.some(({ section }) => section === 'dhcp6');
  const [leased = null] = ipv6Addresses(words('ip6_address'));
  const nameservers = words('dhcp6_name_servers');
  const search = words('dhcp6_domain_search');
  const offer6 = byDhcp
    ? toldOffer6({ address: leased, nameservers, search, timeServers: words('dhcp6_ntp_servers') })
    : null;
  const ofLease = shownOptions({ ip6_address: leased, dhcp6_name_servers: nameservers, dhcp6_domain_search: search });
  const parts = kernelAdvertisements(host, name, { leased, heard: [] });
  if (parts.length === 0) return { offer6, advertisements: [], shown: ofLease, notes: [] };
  const told = names6InForce(host, name);
  const others = new Set<string>(
    ipv6Addresses([...nameservers, ...networkManagerWords(valueIn(profile, 'ipv6', 'dns'))]),
  );
  const otherNames = new Set([...search, ...networkManagerWords(valueIn(profile, 'ipv6', 'dns-search'))]);
  const servers = addressesOf(told).filter((one) => !others.has(one));
  const domains = (told?.search ?? []).filter((domain) => !otherNames.has(domain));
  const advertisements = parts.map((one, at) =>
    wholeAdvertisement(one, {
      managed: leased !== null,
      other: leased === null && byDhcp,
      // NetworkManager does not say which router sent them.
      servers: at === 0 ? servers : [],
      domains: at === 0 ? domains : [],
    }),
  );
  const isMasked = valueIn(profile, 'ipv6', 'ignore-auto-dns') === 'true';
  return {
    offer6,
    advertisements,
    shown: isMasked ? ofLease : [...ofLease, ...servers, ...domains],
    notes: [
      ...(told === null
        ? [`NetworkManager does not say which IPv6 name servers ${name} has, so the stage advertises none`]
        : []),
      ...(told !== null && isMasked
        ? [
            `NetworkManager passes over advertised name servers of ${name} and does not tell them: the stage advertises none`,
          ]
        : []),
    ],
  };
}

/** Options of a lease as nmcli(1) shows them. */
function shownOptions(options: Readonly<Record<string, string | readonly string[] | null>>): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    const text = [value ?? []].flat().join(' ');
    return text === '' ? [] : [`${name} = ${text}`];
  });
}

function addressesOf(told: DeviceNames6 | null): IpAddress[] {
  return (told?.nameservers ?? []).flatMap((bytes) => (bytes.length === 16 ? [addressOfBytes(bytes)] : []));
}
