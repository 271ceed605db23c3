/**
 * The desired state: what the configuration means, and nothing about any host. Every list is already checked; the
 * resources may write these values as they are.
 */
import type { Family } from '../address/address.ts';
import type { DesiredMetadata, MetadataName } from './metadata.ts';

export interface DesiredState<Entry extends SortlistEntry = SortlistPair> {
  readonly dns: DesiredDns<Entry> | null;
  readonly dhclient: DesiredDhclient;
  readonly restart: RestartPolicy;
  /** In the order of the configuration; what `forwarding` stands for comes last. */
  readonly sysctl: readonly DesiredSysctl[];
  /** In the order of the configuration, each once. */
  readonly masquerade: readonly DesiredMasquerade[];
  /** null: not configured. */
  readonly dnsmasq: DesiredDnsmasq | null;
  /** In the order of the configuration. No two of them have the same destination, table and metric. */
  readonly routes: readonly DesiredRoute[];
  /** How what the routes leave to the cloud is asked for. */
  readonly metadata: DesiredMetadata;
  /** null: default routes are left as they come. */
  readonly egress: DesiredEgress | null;
  /** Set where the operator says that nothing is to be held; then nothing is. */
  readonly hold?: 'nothing';
}

/** Whether no setting is to be held, be that meant or not. */
export function holdsNothing({ dns, dhclient, ...state }: ConfiguredState): boolean {
  const { domain, search, nameservers, sortlist, options } = dns ?? {};
  const scopes = [dhclient.global, ...dhclient.interfaces.values()];
  return (
    [domain, search, nameservers, sortlist, options].every((value) => value === null || value === undefined) &&
    scopes.every(({ supersede, request, ignore }) => {
      const { also = [], without = [] } = request ?? {};
      return supersede.size + ignore.length + also.length + without.length === 0;
    }) &&
    state.sysctl.length + state.masquerade.length + state.routes.length === 0 &&
    state.dnsmasq === null &&
    state.egress === null
  );
}

/** Whose default route IPv4 packets are to leave by. */
export interface DesiredEgress {
  readonly default: 'bgp';
  /** What becomes of the DHCP server's while BGP's is there: none at all, or one behind all others. */
  readonly dhcp: 'drop' | 'behind';
}

/**
 * The metric of a DHCP server's default route that stands behind all others. FRR takes its highest byte for an administrative
 * distance: of 254, since with less (a BGP route has 20 or 200) zebra takes its own default route out of the kernel.
 */
export const BEHIND = 254 * 2 ** 24;

/** As the files say it: what is to be measured (agent/nearest) is not in it yet. */
export type ConfiguredState = DesiredState<SortlistEntry>;

/** Whether nothing in it is to be measured. */
export function isWhole(state: ConfiguredState): state is DesiredState {
  return state.dns?.sortlist?.every((entry) => typeof entry === 'string') ?? true;
}

/** `address/netmask` as resolv.conf wants it (dotted netmask). */
export type SortlistPair = string;

/** A place in the sortlist for the addresses of a name, the nearest first. */
export interface Nearest {
  /** A full domain name, without its final dot. */
  readonly name: string;
  /** The TCP port that is connected to. */
  readonly port: number;
  /** Connections at each measurement. */
  readonly tries: number;
  /** Milliseconds between measurements. */
  readonly interval: number;
}

export type SortlistEntry = SortlistPair | Nearest;

/** What to do where /etc/resolv.conf is a symbolic link: someone else's file, until the operator says otherwise. */
export type SymlinkPolicy = 'refuse' | 'replace' | 'follow';

/** `null` means "not configured": that keyword is left as it is. Values are in the notation of resolv.conf(5). */
export interface DesiredDns<Entry extends SortlistEntry = SortlistPair> {
  readonly domain: string | null;
  readonly search: readonly string[] | null;
  /** IPv4 and IPv6 addresses, at most 3 (MAXNS of resolv.h). */
  readonly nameservers: readonly string[] | null;
  /** At most 10 (MAXRESOLVSORT of resolv.h). */
  readonly sortlist: readonly Entry[] | null;
  /** `ndots:2`, `rotate` … */
  readonly options: readonly string[] | null;
  readonly symlink: SymlinkPolicy;
  /** null: a change of DNS is not proved. */
  readonly verify: DesiredVerify | null;
}

/** How a change of DNS is proved before it stands. */
export interface DesiredVerify {
  /** The name that every name server has to know, without a final dot. */
  readonly name: string;
  /** Networks (`10.72.0.0/16`) that all of its addresses must be in; null: any address will do. */
  readonly expect: readonly string[] | null;
  /** Milliseconds for an answer by UDP, and as many again for one by TCP. */
  readonly timeout: number;
  /** How many of the name servers have to answer. */
  readonly quorum: number;
}

/** Whether a dhclient is started anew for what a running one cannot be taught: `whenSafe` as agent/restart has it. */
export type RestartPolicy = 'never' | 'whenSafe';

/** What dhclient must use in one scope: globally, or for one interface. */
export interface DhclientScope {
  /** Option name (`ntp-servers`) to its values; `dns` is already merged in. */
  readonly supersede: ReadonlyMap<string, readonly string[]>;
  readonly request: { readonly without: readonly string[]; readonly also: readonly string[] } | null;
  /** Offers that dhclient-script does not get to see. */
  readonly ignore: readonly IgnoredOffer[];
}

/** Options 3; 121 (RFC 3442) and Microsoft's 249. */
export type IgnoredOffer = 'routers' | 'classless-routes';

export interface DesiredDhclient {
  readonly global: DhclientScope;
  /** By interface name; holds only what the interface has beside the global scope. */
  readonly interfaces: ReadonlyMap<string, DhclientScope>;
}

/** Packets of a network that leave by an interface get that interface's address as their source. */
export interface DesiredMasquerade {
  /** The interface. */
  readonly out: string;
  /** `10.99.0.0/24`, without host bits. */
  readonly from: string;
  readonly family: Family;
}

/** Where it has it from, unless the configuration says otherwise. */
export const DNSMASQ_FILE = '/etc/dnsmasq.d/holdfast-routes.conf';

/** What a dnsmasq beside the agent is to tell its clients of this host's routes. */
export interface DesiredDnsmasq {
  /** Absolute; Holdfast's alone. */
  readonly file: string;
  readonly networks: readonly DesiredNetwork[];
}

export interface DesiredNetwork {
  /** This host's address in it, with its prefix length: `10.99.0.1/24`. */
  readonly router: string;
  /** dnsmasq's own, of its dhcp-range; null: of every client. */
  readonly tag: string | null;
}

export interface DesiredSysctl {
  /**
   * Path below /proc/sys, always with slashes: `net/ipv4/conf/eth0.100/rp_filter`. Of one that `forwarding` stands for the
   * interface may be EVERY.
   */
  readonly path: string;
  /** As the operator wrote it: `net.ipv4.ip_forward`. */
  readonly key: string;
  readonly want: { readonly value: string } | { readonly atLeast: number };
  /** A key that does not exist is no failure. */
  readonly optional: boolean;
  /** What of the configuration it is for (`forwarding.ipv4`), where that is not a key of `sysctl`. */
  readonly setting?: string;
}

/** A value that the cloud's metadata service knows. */
export interface FromMetadata {
  readonly metadata: MetadataName;
}

export interface DesiredRoute {
  /** `10.0.0.0/16`, without host bits. From metadata: one route for each of its values. */
  readonly to: string | FromMetadata;
  /** Of the destination. */
  readonly family: Family;
  /** What becomes of the packets: `unicast` has next hops or a nexthop object, the others neither. */
  readonly type: 'unicast' | 'blackhole' | 'unreachable' | 'prohibit';
  readonly nexthops: readonly DesiredNexthop[];
  /** The nexthop object that it goes by, and has no next hops of its own; null: none. */
  readonly nexthopId: number | null;
  /** 1 to 2^32 - 1; 254 is `main`. */
  readonly table: number;
  /** The lowest wins. */
  readonly metric: number;
  /** Preferred source address; null: the kernel's choice. */
  readonly src: string | null;
  /** Bytes; null: that of the interface. */
  readonly mtu: number | null;
  /** Whether somebody else's route to the same destination is replaced. */
  readonly takeOver: boolean;
}

/** Has a gateway, an interface, or both. */
export interface DesiredNexthop {
  /** An address, of IPv6 also for an IPv4 destination (RFC 5549); null: directly on the link. */
  readonly via: string | FromMetadata | null;
  /** null: the one that the kernel finds the gateway on. */
  readonly dev: string | null;
  /** 1 to 256. */
  readonly weight: number;
  /** The gateway need not be in a network of the interface. */
  readonly onlink: boolean;
}

/** Whether all of it stands in the configuration, and nothing is left to the cloud's metadata. */
export function isWritten({ to, nexthops }: DesiredRoute): boolean {
  return typeof to === 'string' && nexthops.every(({ via }) => via === null || typeof via === 'string');
}
