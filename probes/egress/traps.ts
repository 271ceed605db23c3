/** The sysctls that decide how well several gateways serve: by what flows are spread, and what of the answers is let in. */
import { readFileSync } from 'node:fs';
import { type Family, familyOf } from '../../agent/address/address.ts';
import type { Host } from '../../agent/host/host.ts';
import type { Condition } from '../probe.ts';
import { type Egress, type Gateway, nameOf } from './look.ts';
import { FLOWS, type Share, unbalanced } from './spread.ts';

type Sysctls = Pick<Host, 'sysctl'>;

const LABEL = { ipv4: 'IPv4', ipv6: 'IPv6' } as const;
/** ip-sysctl: the addresses alone. */
const BY_ADDRESSES = '0';
/** RFC 3704: only from where the answer would go to. */
const STRICT = 1;

export interface Spread {
  readonly destinations: readonly Share[];
  readonly connections: readonly Share[];
}

/** What is wrong with how the flows spread, or is about to lose some. */
export function spreadConditions(family: Family, egress: Egress, spread: Spread, host: Sysctls): Condition[] {
  return [
    ...spread.destinations.filter(isLost).map((share) => lost(family, share)),
    ...uneven(family, egress, spread),
    ...onePath(family, egress, host),
  ];
}

/** Flows are sent there, and it cannot be reached. */
function isLost({ gateway, seen }: Share): boolean {
  return seen > 0 && !gateway.reachable;
}

function lost(family: Family, { gateway, seen }: Share): Condition {
  const asked = gateway.address !== null && familyOf(gateway.address) === 'ipv6' ? 'neighbour discovery' : 'ARP';
  const why = gateway.carrier ? `does not answer ${asked}` : 'has no carrier';
  const cure =
    family === 'ipv4' && gateway.carrier
      ? '; net.ipv4.fib_multipath_use_neigh=1 makes the kernel pass such a gateway over'
      : '';
  const body =
    `${nameOf(gateway)} ${why}, and ${Math.round(seen * FLOWS)} of ${FLOWS} sampled ${LABEL[family]} flows go there: ` +
    `they are lost until the route to it is withdrawn${cure}`;
  return condition('egress-gateway-silent', 'error', body, family, gateway);
}

function uneven(family: Family, { gateways }: Egress, { destinations }: Spread): Condition[] {
  if (gateways.length < 2 || destinations.some(isLost) || !unbalanced(destinations)) return [];
  const each = destinations.map(({ gateway, seen, expected }) => {
    return `${nameOf(gateway)} takes ${percent(seen)} where its weight gives it ${percent(expected)}`;
  });
  const body = `${LABEL[family]} flows do not spread as the weights say: ${each.join(', ')} (${FLOWS} sampled)`;
  return [condition('egress-unbalanced', 'warn', body, family)];
}

function onePath(family: Family, { gateways }: Egress, host: Sysctls): Condition[] {
  const key = `net/${family}/fib_multipath_hash_policy`;
  if (gateways.length < 2 || host.sysctl(key) !== BY_ADDRESSES) return [];
  const body =
    `${key.replaceAll('/', '.')} is 0: all ${LABEL[family]} connections between the same two addresses go through the same gateway, ` +
    'however many there are; 1 spreads them by their ports, too';
  return [condition('egress-hash-addresses', 'info', body, family)];
}

/** Strict reverse path filters where answers may come in by another gateway than they are asked through. IPv4 has them alone. */
export function filterConditions({ gateways }: Egress, host: Sysctls): Condition[] {
  const interfaces = [...new Set(gateways.map((gateway) => gateway.interface))];
  if (interfaces.length < 2) return [];
  const strict = interfaces.filter((name) => filterOf(name, host) === STRICT);
  if (strict.length === 0) return [];
  const body =
    `rp_filter is strict on ${strict.join(', ')}: as soon as a gateway there is taken out of the default route, all that still ` +
    'comes in through it is thrown away unseen; set net.ipv4.conf.all.rp_filter to 2 (loose)';
  return [{ ...condition('egress-rp-filter', 'warn', body, 'ipv4'), attributes: { 'network.type': 'ipv4' } }];
}

/** The kernel takes the higher one of `all` and the interface's own. */
function filterOf(name: string, host: Sysctls): number {
  const values = ['all', name].map((scope) => Number(host.sysctl(`net/ipv4/conf/${scope}/rp_filter`) ?? 0));
  return Math.max(...values);
}

/** Packets that reverse path filters threw away, since boot; null: this kernel does not say. */
export function filteredPackets(): number | null {
  let text: string;
  try {
    text = readFileSync('/proc/net/netstat', 'latin1');
  } catch {
    return null;
  }
  return readFiltered(text);
}

/** Of /proc/net/netstat: two lines a group, names and values. */
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
