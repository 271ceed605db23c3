/**
 * Reads a host's IPv4 network with ip-address(8) and ip-route(8), for a copy on the stage (network-commands.ts). The copy
 * has only what dhclient-script can meet: its interface, and routes made by hand or by boot scripts with their interfaces.
 * Routes of routing daemons are left out, so the cost does not depend on the size of the table.
 */
import { isIP } from 'node:net';
import type { IpAddress } from '../address/accepted.ts';
import { ipAddress } from '../address/address-checks.ts';
import { HostError } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { HOLDFAST } from '../host/netlink/table-names.ts';

export interface Address {
  /** `10.77.0.100/24`. */
  readonly address: string;
  readonly interface: string;
  readonly broadcast: string | null;
  /** The peer of a point-to-point link. */
  readonly peer: string | null;
  readonly label: string | null;
  readonly scope: string;
  /** Seconds until the kernel removes the address; null if never. */
  readonly validFor: number | null;
  readonly preferredFor: number | null;
  readonly noPrefixRoute: boolean;
  /** The metric of the prefix's route; null for the kernel's own. */
  readonly metric: number | null;
}

export interface StageRoute {
  /** `default`, `10.0.0.0/8`. */
  readonly destination: string;
  readonly type: string;
  /** Gateway and interface. More than one makes a multipath route. */
  readonly hops: readonly {
    readonly gateway: IpAddress | null;
    readonly interface: string | null;
    readonly weight: number;
  }[];
  readonly protocol: string;
  readonly scope: string;
  readonly source: string | null;
  readonly metric: number | null;
  readonly onlink: boolean;
  /** Left out: IPv4. */
  readonly family?: 6;
}

export interface StageLink {
  readonly name: string;
  /** dhcpcd makes the metrics of its routes from it. */
  readonly index: number;
  readonly up: boolean;
  readonly mtu: number;
  /** The Ethernet address; null if there is none. */
  readonly mac: string | null;
}

export interface Network {
  readonly links: readonly StageLink[];
  readonly addresses: readonly Address[];
  readonly routes: readonly StageRoute[];
}

/**
 * Protocols (rt_protos) of programs that configure a host, Holdfast among them, without routing daemons. Routes of
 * `kernel` come with addresses.
 */
export const BY_HAND: readonly string[] = ['boot', 'static', 'dhcp', String(HOLDFAST)];

/** Throws HostError if iproute2 or the interface is missing. */
export function networkAround(host: Host, iface: string): Network {
  const byHand = BY_HAND.flatMap((protocol) => routes(host, ['proto', protocol]));
  const names = new Set([iface, ...byHand.flatMap(({ hops }) => hops.map((hop) => hop.interface ?? iface))]);
  const each = <T>(look: (name: string) => readonly T[]) => [...names].flatMap(look);
  const found = each((name) => links(askIp(host, ['link', 'show', 'dev', name])));
  if (!found.some(({ name }) => name === iface)) throw new HostError('ENODEV', `no interface is named ${iface}`);
  return {
    links: found,
    addresses: each((name) => parseAddresses(askIp(host, ['-4', 'addr', 'show', 'dev', name]))),
    routes: [...each((name) => routes(host, ['proto', 'kernel', 'dev', name], name)), ...byHand],
  };
}

function routes(host: Host, filter: readonly string[], iface: string | null = null): StageRoute[] {
  const found = parseRoutes(askIp(host, ['-4', 'route', 'show', 'table', 'main', ...filter]));
  return found.map((route) => ({ ...onInterface(route, iface), protocol: filter[1] ?? route.protocol }));
}

/** Adds the interface, which `ip` leaves out of its answer if it was asked for one. */
export function onInterface(route: StageRoute, iface: string | null): StageRoute {
  return { ...route, hops: route.hops.map((hop) => ({ ...hop, interface: hop.interface ?? iface })) };
}

export function parseAddresses(text: string, family: 4 | 6 = 4): Address[] {
  return list(text).flatMap((link) =>
    records(link.addr_info)
      .filter((info) => isIP(String(info.local)) === family)
      .map((info) => ({
        address: `${info.local}/${Number(info.prefixlen)}`,
        interface: word(link.ifname) ?? '',
        broadcast: word(info.broadcast),
        peer: word(info.address),
        label: word(info.label),
        scope: word(info.scope) ?? 'global',
        validFor: seconds(info.valid_life_time),
        preferredFor: seconds(info.preferred_life_time),
        noPrefixRoute: info.noprefixroute === true,
        metric: typeof info.metric === 'number' ? info.metric : null,
      })),
  );
}

export function parseRoutes(text: string, family: 4 | 6 = 4): StageRoute[] {
  return list(text).flatMap((route) => {
    const hops = records(route.nexthops ?? [route]);
    const destination = word(route.dst);
    if (destination === null) return [];
    return {
      destination,
      type: word(route.type) ?? 'unicast',
      hops: hops.map((hop) => ({
        gateway: addressWord(hop.gateway) ?? addressWord((hop.via as Json | undefined)?.host),
        interface: word(hop.dev),
        weight: Number(hop.weight ?? 1),
      })),
      protocol: word(route.protocol) ?? 'boot',
      scope: word(route.scope) ?? 'global',
      source: word(route.prefsrc),
      metric: typeof route.metric === 'number' ? route.metric : null,
      onlink: Array.isArray(route.flags) && route.flags.includes('onlink'),
      ...(family === 6 ? { family } : {}),
    };
  });
}

type Json = Readonly<Record<string, unknown>>;

export function askIp(host: Host, args: readonly string[]): string {
  const { status, stdout, stderr, error } = host.run('ip', ['-j', ...args]);
  if (status !== 0) throw new HostError('EIPROUTE', `ip -j ${args.join(' ')}: ${error ?? stderr.trim()}`);
  return stdout;
}

/** Parses the output. iproute2 prints nothing at all if there is no entry. */
function list(text: string): Json[] {
  if (text.trim() === '') return [];
  try {
    return records(JSON.parse(text));
  } catch {
    throw new HostError(
      'EIPROUTE',
      '"ip -j" printed no JSON: the program is older than iproute2 4.18, or is not iproute2',
    );
  }
}

function records(value: unknown): Json[] {
  if (!Array.isArray(value)) return [];
  return value.filter((one): one is Json => typeof one === 'object' && one !== null && Object.keys(one).length > 0);
}

function links(text: string): StageLink[] {
  return list(text).flatMap((link) => {
    const name = word(link.ifname);
    if (name === null) return [];
    const mac = String(link.address);
    return {
      name,
      index: Number(link.ifindex),
      up: Array.isArray(link.flags) && link.flags.includes('UP'),
      mtu: Number(link.mtu),
      mac: link.link_type === 'ether' && /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac) ? mac : null,
    };
  });
}

/** Characters that have no special meaning in a line of `ip -batch`. */
function word(value: unknown): string | null {
  return typeof value === 'string' && /^[A-Za-z0-9._:@/+-]+$/.test(value) ? value : null;
}

function addressWord(value: unknown): IpAddress | null {
  return typeof value === 'string' ? ipAddress(value) : null;
}

/** 4294967295 is "forever". */
function seconds(value: unknown): number | null {
  return typeof value === 'number' && value < 0xffffffff ? value : null;
}
