/** Sysctls that decide how well several gateways serve: how flows are spread, and which answers are accepted. */
import { readFileSync } from 'node:fs';
import { type Family, familyOf } from '../../agent/address/address.ts';
import { type DefaultRouteView, type Gateway, gatewayName } from '../../agent/egress/look.ts';
import type { Host } from '../../agent/host/host.ts';
import type { Condition } from '../probe.ts';
import { FLOWS, type Kind, type Share, unbalanced } from './spread.ts';

type Sysctls = Pick<Host, 'sysctl'>;

export const LABEL = { ipv4: 'IPv4', ipv6: 'IPv6' } as const;
/** Spread by the addresses only (ip-sysctl). */
const BY_ADDRESSES = '0';
/** Accept a packet only from the interface where its answer would leave (RFC 3704). */
const STRICT = 1;

/** Empty for a kind of flows that this kernel cannot be asked about. */
export type Spread = Readonly<Record<Kind, readonly Share[]>>;

/** Conditions about a wrong spread, or about flows that are or would be lost. */
export function spreadConditions(family: Family, egress: DefaultRouteView, spread: Spread, host: Sysctls): Condition[] {
  return [
    ...spread.destinations.filter(isLost).map((share) => lost(family, share)),
    ...uneven(family, egress, spread),
    ...onePath(family, egress, spread, host),
  ];
}

/** The condition for flows that go to an unreachable gateway. */
function isLost({ gateway, seen }: Share): boolean {
  return seen > 0 && !gateway.reachable;
}

function lost(family: Family, { gateway, seen }: Share): Condition {
  const asked = gateway.address !== null && familyOf(gateway.address) === 'ipv6' ? 'neighbour discovery' : 'ARP';
  const why = gateway.carrier ? `does not answer ${asked}` : 'has no carrier';
  const cure =
    family === 'ipv4' && gateway.carrier
      ? '; net.ipv4.fib_multipath_use_neigh=1 makes the kernel skip such a gateway'
      : '';
  const body =
    `${gatewayName(gateway)} ${why}, and ${Math.round(seen * FLOWS)} of ${FLOWS} sampled ${LABEL[family]} flows go there: ` +
    `these are lost until the route to that gateway is withdrawn${cure}`;
  return condition('egress-gateway-silent', 'error', body, family, gateway);
}

function uneven(family: Family, { gateways }: DefaultRouteView, { destinations }: Spread): Condition[] {
  if (gateways.length < 2 || destinations.some(isLost) || !unbalanced(destinations)) return [];
  const each = destinations.map(({ gateway, seen, expected }) => {
    return `${gatewayName(gateway)} takes ${percent(seen)}, but its weight is ${percent(expected)}`;
  });
  const body = `${LABEL[family]} flows do not spread by the weights: ${each.join(', ')} (${FLOWS} flows sampled)`;
  return [condition('egress-unbalanced', 'warn', body, family)];
}

function onePath(family: Family, { gateways }: DefaultRouteView, { labels }: Spread, host: Sysctls): Condition[] {
  const key = `net/${family}/fib_multipath_hash_policy`;
  if (gateways.length < 2 || host.sysctl(key) !== BY_ADDRESSES) return [];
  const forwarded = labels.length > 0 ? '' : ', for which this kernel cannot be asked (needs Linux 6.14)';
  const body =
    `${key.replaceAll('/', '.')} is 0: all ${LABEL[family]} connections between the same two addresses go through the same gateway, ` +
    'however many there are; the value 1 also spreads them by their ports' +
    (family === 'ipv4' ? '' : `. Forwarded packets also spread by their flow labels${forwarded}`);
  return [condition('egress-hash-addresses', 'info', body, family)];
}

/**
 * The condition for strict reverse path filters, if answers may come in by another gateway. Only IPv4 has these
 * filters.
 */
export function filterConditions({ gateways }: DefaultRouteView, host: Sysctls): Condition[] {
  const interfaces = [...new Set(gateways.map((gateway) => gateway.interface))];
  if (interfaces.length < 2) return [];
  const strict = interfaces.filter((name) => filterOf(name, host) === STRICT);
  if (strict.length === 0) return [];
  const body =
    `rp_filter is strict on ${strict.join(', ')}: if a gateway there leaves the default route, the kernel drops every packet that still ` +
    'comes in through it, without a log line; set net.ipv4.conf.all.rp_filter to 2 (loose)';
  return [{ ...condition('egress-rp-filter', 'warn', body, 'ipv4'), attributes: { 'network.type': 'ipv4' } }];
}

/** The kernel uses the higher value of `all` and the interface. */
function filterOf(name: string, host: Sysctls): number {
  const values = ['all', name].map((scope) => Number(host.sysctl(`net/ipv4/conf/${scope}/rp_filter`) ?? 0));
  return Math.max(...values);
}

/** Packets dropped by reverse path filters since boot; null if this kernel does not count them. */
export function filteredPackets(): number | null {
  let text: string;
  try {
    text = readFileSync('/proc/net/netstat', 'latin1');
  } catch {
    return null;
  }
  return readFiltered(text);
}

/** Parses /proc/net/netstat: two lines for each group, names and values. */
export function readFiltered(text: string): number | null {
  const [names, values] = text.split('\n').filter((line) => line.startsWith('TcpExt: '));
  const place = names?.split(' ').indexOf('IPReversePathFilter') ?? -1;
  const value = place < 0 ? undefined : values?.split(' ')[place];
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : null;
}

function condition(
  code: string,
  severity: Condition['severity'],
  body: string,
  family: Family,
  gateway?: Gateway,
): Condition {
  const about =
    gateway === undefined ? {} : { gateway: gateway.address ?? 'link', 'network.interface.name': gateway.interface };
  return { kind: 'condition', code, severity, body, attributes: { 'network.type': family, ...about } };
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
