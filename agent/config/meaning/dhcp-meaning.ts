/** `dhcp` and `dhclient` of a checked configuration → what each DHCP client must use. */

import type { InterfaceName } from '../../address/accepted.ts';
import { familyOf } from '../../address/address.ts';
import type { ByInterface, DesiredDhcp, DesiredDns, DhcpScope, SortlistEntry } from '../desired.ts';
import { checkInterfaceName } from '../notation/names.ts';
import { OFFER_OPTIONS } from '../notation/offer-options.ts';
import { type Config, optionValues } from '../schema/config-schema.ts';

type Section = Partial<Pick<NonNullable<Config['dhcp']>, 'supersede' | 'request' | 'ignore' | 'interfaces'>>;

const NOTHING: DhcpScope = { supersede: new Map(), request: null, ignore: [] };

/** The meaning of `dhcp`, for whatever client takes the lease. */
export function desiredDhcp({ interfaces = {}, ...global }: Section): DesiredDhcp {
  return { global: scope(global), interfaces: byInterface(interfaces) };
}

/**
 * The settings of dhclient: `dns`, then `dhcp`, then `dhclient`, of which the later one wins. Router advertisements do not
 * concern dhclient: the kernel takes them (agent/config/sysctl/advertisement-sysctls.ts).
 */
export function desiredDhclient(own: Section, dhcp: DesiredDhcp, dns: DesiredDns<SortlistEntry> | null): DesiredDhcp {
  const dhclient = desiredDhcp(own);
  const ofDns: DhcpScope = { ...NOTHING, supersede: new Map(dns ? dnsOptions(dns) : []) };
  const names = new Set<InterfaceName>([...dhcp.interfaces.keys(), ...dhclient.interfaces.keys()]);
  return {
    global: merged(merged(ofDns, dhcp.global), dhclient.global),
    interfaces: new Map(
      [...names].map((name) => {
        const scopes = [dhcp, dhclient].map(({ interfaces }) => interfaces.get(name) ?? NOTHING);
        return [name, scopes.reduce(merged)] as const;
      }),
    ),
  };
}

function byInterface(interfaces: NonNullable<Section['interfaces']>): ByInterface<DhcpScope> {
  const scopes = new Map<InterfaceName, DhcpScope>();
  for (const [name, own] of Object.entries(interfaces)) {
    const checked = checkInterfaceName(name);
    // The schema has accepted the name.
    if ('problem' in checked) throw new Error(checked.problem);
    scopes.set(checked.value, scope(own));
  }
  return scopes;
}

function scope({ supersede = {}, request, ignore = [] }: Omit<Section, 'interfaces'>): DhcpScope {
  return {
    supersede: new Map(Object.entries(supersede).map(([name, entry]) => [name, optionValues(entry) ?? []])),
    request: request ? { without: request.without ?? [], also: request.also ?? [] } : null,
    ignore,
  };
}

/** Both scopes; where they contradict each other, the second one wins. */
function merged(first: DhcpScope, second: DhcpScope): DhcpScope {
  const ignored = first.ignore.filter((offer) => !OFFER_OPTIONS[offer].some((option) => second.supersede.has(option)));
  const ignore = new Set([...ignored, ...second.ignore]);
  ignore.delete('router-advertisements');
  const unset = second.ignore.flatMap((offer) => OFFER_OPTIONS[offer]);
  const supersede = [...first.supersede].filter(([option]) => !unset.includes(option));
  return {
    supersede: new Map([...supersede, ...second.supersede]),
    request: requests(first.request, second.request),
    ignore: [...ignore],
  };
}

function requests(first: DhcpScope['request'], second: DhcpScope['request']): DhcpScope['request'] {
  if (first === null || second === null) return second ?? first;
  const union = (a: readonly string[], b: readonly string[], except: readonly string[]) => [
    ...new Set([...a.filter((option) => !except.includes(option)), ...b]),
  ];
  return {
    without: union(first.without, second.without, second.also),
    also: union(first.also, second.also, second.without),
  };
}

/** IPv4 name servers go into DHCPv4's option, and IPv6 name servers into DHCPv6's, which has no place for a zone. */
function dnsOptions({ domain, search, nameservers }: DesiredDns<SortlistEntry>): [string, readonly string[]][] {
  const v4 = nameservers?.filter((address) => familyOf(address) === 'ipv4') ?? [];
  const v6 =
    nameservers?.filter((address) => familyOf(address) === 'ipv6').map((address) => address.replace(/%.*/, '')) ?? [];
  const options: [string, readonly string[]][] = [
    ['domain-name', domain === null ? [] : [domain]],
    ['domain-search', search ?? []],
    ['domain-name-servers', v4],
    ['dhcp6.name-servers', v6],
    ['dhcp6.domain-search', search ?? []],
  ];
  return options.filter(([, values]) => values.length > 0);
}
