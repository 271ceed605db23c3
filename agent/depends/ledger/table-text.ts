/**
 * The ledger's nftables tables, in the notation of nft(8). They count every packet to the ports of DNS (53, and 853 of
 * DNS over TLS and QUIC) by destination, user and control group, and let every packet pass. No packet goes to user
 * space.
 */
import type { IpAddress } from '../../address/accepted.ts';
import { type Family, familyOf } from '../../address/address.ts';
import { removedTable, WATCHING_TABLES } from './our-tables.ts';

/**
 * `all` counts every destination. `retire` counts only the addresses in its sets `addresses4` and `addresses6`, so that
 * a host that asks thousands of servers, such as a recursive resolver, never runs out of room for these addresses.
 */
export type LedgerScope = 'all' | 'retire';
export const LEDGER_SCOPES: readonly LedgerScope[] = ['all', 'retire'];

/** Elements of one set. An element takes about 200 bytes of kernel memory. */
export const ROOM = 8192;

/**
 * The deepest control group that has an element of its own. The groups below count as their ancestor at this depth.
 * A unit of a user's own systemd is at depth 5 or 6, a pod's container at depth 4.
 */
const DEEPEST = 6;

/**
 * Before the filters of other programs (0), because a program that is kept from its server depends on the server. After
 * destination NAT (-100), because the destination that counts is the one that gets the packet.
 */
const PRIORITY = -10;

/** `unit`: with user and control group; `user`: without a group; `bare`: without a socket; `from`: forwarded packets. */
export const LEDGER_SETS = ['unit', 'user', 'bare', 'from'] as const;
export type LedgerSet = (typeof LEDGER_SETS)[number];

export const FAMILIES: readonly { readonly family: Family; readonly digit: 4 | 6 }[] = [
  { family: 'ipv4', digit: 4 },
  { family: 'ipv6', digit: 6 },
];

export interface LedgerShape {
  /** Seconds that an element outlives its last packet. */
  readonly expiry: number;
  /** False where nft or the kernel does not know `socket cgroupv2`. */
  readonly units: boolean;
}

/** One transaction that makes the table anew, or makes it for the first time. */
export function ledgerTable(scope: LedgerScope, shape: LedgerShape): string {
  const table = WATCHING_TABLES[scope];
  const lines = [
    ...FAMILIES.flatMap(({ digit }) => setLines(scope, digit, shape)),
    ...FAMILIES.flatMap(({ family, digit }) => countingChains(family, digit, shape)),
    ...entrance(scope, 'sent'),
    ...entrance(scope, 'passed'),
    // The two ports come first and alone: a comparison costs least, and nearly every packet goes no further.
    ...hookChain('output', 'sent'),
    ...hookChain('forward', 'passed'),
  ];
  return `${removedTable(table)}table inet ${table} {\n${lines.join('\n')}\n}\n`;
}

/** One transaction that makes `addresses` those that the table `retire` counts. */
export function retiredAddresses(addresses: readonly IpAddress[]): string {
  const table = WATCHING_TABLES.retire;
  return FAMILIES.map(({ family, digit }) => {
    const own = addresses.filter((address) => familyOf(address) === family);
    const added = own.length === 0 ? '' : `add element inet ${table} addresses${digit} { ${own.join(', ')} }\n`;
    return `flush set inet ${table} addresses${digit}\n${added}`;
  }).join('');
}

function setLines(scope: LedgerScope, digit: 4 | 6, shape: LedgerShape): string[] {
  const sets = countingSets(digit, shape);
  return scope === 'retire' ? [...sets, `set addresses${digit} { type ipv${digit}_addr; }`] : sets;
}

/** The sets that `countingChains` fills. */
export function countingSets(digit: 4 | 6, { expiry, units }: LedgerShape): string[] {
  const address = `ipv${digit}_addr`;
  const types: Record<LedgerSet, string> = {
    unit: `${address} . uid . cgroupsv2`,
    user: `${address} . uid`,
    bare: address,
    from: `${address} . ${address}`,
  };
  return LEDGER_SETS.filter((set) => units || set !== 'unit').map(
    (set) => `set ${set}${digit} { type ${types[set]}; flags dynamic,timeout; timeout ${expiry}s; size ${ROOM}; }`,
  );
}

/**
 * A rule ends where it cannot know what it asks for: the socket's control group at a depth that the group does not
 * have, or the user of a packet without a socket. The next rule then counts the packet, with less knowledge. A full set
 * also ends the rule.
 */
export function countingChains(family: Family, digit: 4 | 6, { units }: LedgerShape): string[] {
  const ip = family === 'ipv4' ? 'ip' : 'ip6';
  const depths = units ? Array.from({ length: DEEPEST }, (_, index) => DEEPEST - index) : [];
  return [
    `chain sent${digit} {`,
    ...depths.map(
      (depth) => `update @unit${digit} { ${ip} daddr . meta skuid . socket cgroupv2 level ${depth} counter } return`,
    ),
    `update @user${digit} { ${ip} daddr . meta skuid counter } return`,
    // The end of a connection whose program is gone asks nothing.
    `meta l4proto udp update @bare${digit} { ${ip} daddr counter } return`,
    `tcp flags & (fin | syn | rst | ack) == syn update @bare${digit} { ${ip} daddr counter }`,
    '}',
    `chain passed${digit} {`,
    `update @from${digit} { ${ip} daddr . ${ip} saddr counter }`,
    '}',
  ];
}

function entrance(scope: LedgerScope, chain: 'sent' | 'passed'): string[] {
  const only = (ip: string, digit: 4 | 6) => (scope === 'retire' ? `${ip} daddr @addresses${digit} ` : '');
  return [
    `chain ${chain} {`,
    // Other protocols have other things at the place of the port.
    'meta l4proto != { tcp, udp } return',
    `meta nfproto ipv4 ${only('ip', 4)}goto ${chain}4`,
    `meta nfproto ipv6 ${only('ip6', 6)}goto ${chain}6`,
    '}',
  ];
}

function hookChain(hook: 'output' | 'forward', to: 'sent' | 'passed'): string[] {
  return [
    `chain ${hook} {`,
    `type filter hook ${hook} priority ${PRIORITY}; policy accept;`,
    `th dport 53 goto ${to}`,
    `th dport 853 goto ${to}`,
    '}',
  ];
}
