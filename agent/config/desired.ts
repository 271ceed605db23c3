/**
 * The desired state: the configuration's meaning, without anything about a host. Every value is checked, so resources
 * may write each value as it is.
 */
import type {
  InterfaceName,
  InterfacePattern,
  IpAddress,
  Prefix,
  ServerAddress,
  SortlistPair,
} from '../address/accepted.ts';
import type { Family } from '../address/address.ts';
import type { DesiredMetadata, MetadataName } from './desired-metadata.ts';

export interface DesiredState<Entry extends SortlistEntry = SortlistPair> {
  readonly dns: DesiredDns<Entry> | null;
  /** For whatever client takes the lease; without `dns`. */
  readonly dhcp: DesiredDhcp;
  /** For dhclient: `dns`, `dhcp` and `dhclient` in one, of which the later one wins. */
  readonly dhclient: DesiredDhcp;
  readonly restart: RestartPolicy;
  /** Whether a systemd-networkd is restarted for settings of `dhcp` that a running one cannot take. */
  readonly networkdRestart: RestartPolicy;
  /** In the order of the configuration; the sysctls that `forwarding` implies come last. */
  readonly sysctl: readonly DesiredSysctl[];
  /** In the order of the configuration, each once. */
  readonly masquerade: readonly DesiredMasquerade[];
  /** null if not configured. */
  readonly dnsmasq: DesiredDnsmasq | null;
  /** In the order of the configuration. No two of them have the same destination, table and metric. */
  readonly routes: readonly DesiredRoute[];
  /** In the order of the configuration. No two of one family have the same priority. */
  readonly rules: readonly DesiredRule[];
  /** How to ask the cloud's metadata service for values of routes. */
  readonly metadata: DesiredMetadata;
  /** null if default routes are left alone. */
  readonly egress: DesiredEgress | null;
  readonly ledger: DesiredLedger;
  /** Set if the operator wrote `hold: nothing`. */
  readonly hold?: 'nothing';
}

/** Whether no setting is held, with or without `hold: nothing`. */
export function holdsNothing({ dns, dhcp, dhclient, ...state }: ConfiguredState): boolean {
  const { domain, search, nameservers, sortlist, options, split } = dns ?? {};
  const scopes = [dhcp, dhclient].flatMap(({ global, interfaces }) => [global, ...interfaces.values()]);
  return (
    [domain, search, nameservers, sortlist, options, split].every((value) => value === null || value === undefined) &&
    scopes.every(({ supersede, request, ignore }) => {
      const { also = [], without = [] } = request ?? {};
      return supersede.size + ignore.length + also.length + without.length === 0;
    }) &&
    state.sysctl.length + state.masquerade.length + state.routes.length + state.rules.length === 0 &&
    state.dnsmasq === null &&
    state.egress === null &&
    state.ledger.mode !== 'always' &&
    state.ledger.retire.length === 0
  );
}

/**
 * `always`: count who asks any name server. `retiring`: count who asks one of `retire`. Unless the operator says so we do
 * not count every server, because the table costs each small packet more than 1 % (docs/ledger.md).
 */
export const LEDGER_MODES = ['always', 'retiring', 'off'] as const;
export type LedgerMode = (typeof LEDGER_MODES)[number];

export interface DesiredLedger {
  readonly mode: LedgerMode;
  /** Addresses that are to be switched off, each once; none is an IPv4 address that is mapped into IPv6. */
  readonly retire: readonly IpAddress[];
}

/** The origin of the default route that IPv4 packets should leave by. */
export interface DesiredEgress {
  readonly default: 'bgp';
  /** DHCP's default route while BGP's exists: deleted, or behind all others. */
  readonly dhcp: 'drop' | 'behind';
}

/**
 * The metric of DHCP's default route behind all others. FRR takes the highest byte for an administrative distance. That
 * byte is 254: with less (a BGP route has 20 or 200), zebra removes its own default route from the kernel.
 */
export const BEHIND = 254 * 2 ** 24;

/** The state as the files define it, without the values that agent/nearest measures. */
export type ConfiguredState = DesiredState<SortlistEntry>;

/** Whether no value needs to be measured. */
export function isWhole(state: ConfiguredState): state is DesiredState {
  return state.dns?.sortlist?.every((entry) => typeof entry === 'string') ?? true;
}

/** A place in the sortlist for the addresses of a name, the nearest address first. */
export interface Nearest {
  /** A full domain name, without its final dot. */
  readonly name: string;
  /** The TCP port of the measuring connections. */
  readonly port: number;
  /** Connections at each measurement. */
  readonly tries: number;
  /** Milliseconds between measurements. */
  readonly interval: number;
}

export type SortlistEntry = SortlistPair | Nearest;

/**
 * The treatment of /etc/resolv.conf if it is a symbolic link. The link belongs to another program unless the operator
 * decides.
 */
export type SymlinkPolicy = 'refuse' | 'replace' | 'follow';

/** null if not configured: the keyword is left alone. Values are in the notation of resolv.conf(5). */
export interface DesiredDns<Entry extends SortlistEntry = SortlistPair> {
  readonly domain: string | null;
  readonly search: readonly string[] | null;
  /** IPv4 and IPv6 addresses, at most 3 (MAXNS of resolv.h). */
  readonly nameservers: readonly ServerAddress[] | null;
  /** At most 10 (MAXRESOLVSORT of resolv.h). */
  readonly sortlist: readonly Entry[] | null;
  /** `ndots:2`, `rotate` … */
  readonly options: readonly string[] | null;
  readonly symlink: SymlinkPolicy;
  /** Domains that are asked at servers of their own. No domain occurs twice. */
  readonly split: readonly DesiredSplit[] | null;
  /** null if a change of DNS needs no proof. */
  readonly verify: DesiredVerify | null;
}

/** Domains that are asked, with all names below them, only at these servers. */
export interface DesiredSplit {
  /** In lower case, without a final dot. */
  readonly domains: readonly string[];
  readonly servers: readonly ServerAddress[];
  /** The name that proves the entry, without a final dot; null: the SOA record of each domain. */
  readonly verify: string | null;
}

/** How a change of DNS is proved. */
export interface DesiredVerify {
  /** The name that every name server must know, without a final dot. */
  readonly name: string;
  /** Networks (`10.72.0.0/16`) that must contain all of the name's addresses; null if any address is accepted. */
  readonly expect: readonly Prefix[] | null;
  /** Milliseconds for an answer by UDP, and the same time again for an answer by TCP. */
  readonly timeout: number;
  /** How many name servers must answer. */
  readonly quorum: number;
}

/**
 * Whether a dhclient is restarted for changes that a running dhclient cannot take; `whenSafe` is defined in
 * agent/restart.
 */
export type RestartPolicy = 'never' | 'whenSafe';

/** The values that a DHCP client must use in one scope: globally, or for one interface. */
export interface DhcpScope {
  /** Option name (`ntp-servers`) to its values. */
  readonly supersede: ReadonlyMap<string, readonly string[]>;
  readonly request: { readonly without: readonly string[]; readonly also: readonly string[] } | null;
  /** Offers that are not carried out. */
  readonly ignore: readonly IgnoredOffer[];
}

/** Options 3; 121 (RFC 3442) and Microsoft's 249; RFC 4861, which dhclient does not read. */
export type IgnoredOffer = 'routers' | 'classless-routes' | 'router-advertisements';

export interface DesiredDhcp {
  readonly global: DhcpScope;
  /** Hold only the interface's own settings, without the global ones. */
  readonly interfaces: ByInterface<DhcpScope>;
}

/** Any text may be looked up, and only accepted names are in it. */
export interface ByInterface<Value> extends ReadonlyMap<InterfaceName, Value> {
  get(name: string): Value | undefined;
  has(name: string): boolean;
}

/** Packets of a network that leave by an interface get that interface's address as their source. */
export interface DesiredMasquerade {
  readonly out: InterfacePattern;
  readonly from: Prefix;
  /** Packets to these destinations keep their source. All are of `family`. */
  readonly except: readonly Prefix[];
  readonly family: Family;
}

/** Default path of the file that dnsmasq reads. */
export const DNSMASQ_FILE = '/etc/dnsmasq.d/holdfast-routes.conf';

/** The routes, and perhaps the name servers, that a dnsmasq on this host sends to its clients. */
export interface DesiredDnsmasq {
  /** An absolute path; only Holdfast writes this file. */
  readonly file: string;
  readonly networks: readonly DesiredNetwork[];
  /** Whether the clients get the name servers and the search domains of `dns`. */
  readonly dns: boolean;
}

export interface DesiredNetwork {
  /** This host's address in the network, with its prefix length: `10.99.0.1/24`. */
  readonly router: string;
  /** The tag of dnsmasq's dhcp-range; null for all clients. */
  readonly tag: string | null;
}

export interface DesiredSysctl {
  /**
   * Path below /proc/sys, always with slashes: `net/ipv4/conf/eth0.100/rp_filter`. For sysctls that `forwarding`
   * implies, the interface may be EVERY.
   */
  readonly path: string;
  /** As the operator wrote it: `net.ipv4.ip_forward`. */
  readonly key: string;
  readonly want: { readonly value: string } | { readonly atLeast: number };
  /** A key that does not exist is no failure. */
  readonly optional: boolean;
  /** The setting that the key belongs to (`forwarding.ipv4`), if that is no key of `sysctl`. */
  readonly setting?: string;
}

/** A value that the cloud's metadata service knows. */
export interface FromMetadata {
  readonly metadata: MetadataName;
}

export interface DesiredRoute {
  /** For a value from metadata: one route for each of its networks. */
  readonly to: Prefix | FromMetadata;
  /** The family of the destination. */
  readonly family: Family;
  /** The fate of the packets: `unicast` has next hops or a nexthop object, the other types have neither. */
  readonly type: 'unicast' | 'blackhole' | 'unreachable' | 'prohibit';
  readonly nexthops: readonly DesiredNexthop[];
  /** The nexthop object that the route uses in place of own next hops; null if the route has next hops of its own. */
  readonly nexthopId: number | null;
  /** 1 to 2^32 - 1; 254 is `main`. */
  readonly table: number;
  /** The lowest metric wins. */
  readonly metric: number;
  /** Preferred source address; null if the kernel chooses. */
  readonly src: IpAddress | null;
  /** Bytes; null for the interface's MTU. */
  readonly mtu: number | null;
  /** Whether another program's route to the same destination is replaced. */
  readonly takeOver: boolean;
}

/** Has a gateway, an interface, or both. */
export interface DesiredNexthop {
  /**
   * An address, which may be IPv6 also for an IPv4 destination (RFC 5549); null if the destination is directly on the
   * link.
   */
  readonly via: IpAddress | FromMetadata | null;
  /** null if the kernel finds the interface by the gateway. */
  readonly dev: InterfaceName | null;
  /** 1 to 256. */
  readonly weight: number;
  /** The gateway need not be in a network of the interface. */
  readonly onlink: boolean;
}

/** A policy rule, by which the kernel chooses a routing table. A part that is null matches every packet. */
export interface DesiredRule {
  readonly family: Family;
  /** 1 to 2^32 - 1, without 32766 and 32767. The kernel asks the lowest priority first. */
  readonly priority: number;
  /** Longer than /0, as `to`. */
  readonly from: Prefix | null;
  readonly to: Prefix | null;
  /** The mark of packets that match, in the bits of the mask; it has no other bits. */
  readonly mark: { readonly value: number; readonly mask: number } | null;
  readonly iif: InterfaceName | null;
  readonly oif: InterfaceName | null;
  /** 1 to 2^32 - 1, without 255. */
  readonly table: number;
}

/** Whether the configuration holds all values of the route, and none come from the cloud's metadata. */
export function isWritten({ to, nexthops }: DesiredRoute): boolean {
  return typeof to === 'string' && nexthops.every(({ via }) => via === null || typeof via === 'string');
}
