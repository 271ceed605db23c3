/** Policy rules (ip-rule(8)), by which the kernel chooses the routing table of a packet, and their message (linux/fib_rules.h). */
import type { InterfaceName, Prefix } from '../../../address/accepted.ts';
import type { Family } from '../../../address/address.ts';
import { prefixOf } from '../../../address/address-checks.ts';
import { type Attribute, attribute, attributes, FAMILY, NETLINK_HEADER, uint32, zeros } from '../message-layout.ts';
import { bytesOf } from '../routes/route.ts';
import { addressFromBytes } from '../routes/seen-route.ts';
import { protocolName, tableName } from '../table-names.ts';

/** A rule that leads to a table. A part that is null matches every packet. */
export interface PolicyRule {
  readonly family: Family;
  /** The kernel asks the rule with the lowest priority first. */
  readonly priority: number;
  /** The network of the source, longer than /0. */
  readonly from: Prefix | null;
  /** The network of the destination, longer than /0. */
  readonly to: Prefix | null;
  readonly mark: RuleMark | null;
  /** The interface on which the packet came in; `lo` for packets of this host. */
  readonly iif: InterfaceName | null;
  /** The interface to which the socket is bound. */
  readonly oif: InterfaceName | null;
  readonly table: number;
}

/** The mark of packets that match, in the bits of the mask. */
export interface RuleMark {
  readonly value: number;
  readonly mask: number;
}

/** A rule as the kernel reports it. Names of interfaces are any text of up to 15 bytes. */
export interface SeenRule extends Omit<PolicyRule, 'iif' | 'oif'> {
  readonly iif: string | null;
  readonly oif: string | null;
  /** The maker, as with routes: see table-names.ts. */
  readonly protocol: number;
  /** Whether the rule has parts that a PolicyRule has not: another action, ports, users, `not`. */
  readonly further: boolean;
  /** Body of the message that makes or deletes this very rule: struct fib_rule_hdr and its attributes. */
  readonly body: Buffer;
}

/** Offsets in struct fib_rule_hdr. */
const HEADER = { size: 12, family: 0, toLength: 1, fromLength: 2, tos: 3, table: 4, action: 7, flags: 8 } as const;
/** FRA_… */
const FRA = {
  to: 1,
  from: 2,
  iif: 3,
  priority: 6,
  mark: 10,
  suppressGroup: 13,
  suppressLength: 14,
  table: 15,
  mask: 16,
  oif: 17,
  padding: 18,
  protocol: 21,
} as const;
/** FR_ACT_TO_TBL. */
const TO_TABLE = 1;
/** FIB_RULE_INVERT. The kernel reports the other flags and takes none of them. */
const INVERT = 2;
const ALL = 0xffff_ffff;
/** Attributes that PolicyRule has. */
const KNOWN: ReadonlySet<number> = new Set(Object.values(FRA));
/** Attributes that mean nothing if all their bits are set. */
const NONE_IF_ALL: ReadonlySet<number> = new Set([FRA.suppressGroup, FRA.suppressLength]);

/** The kernel's own rules: for the tables local, main and default. They have no maker, and are nobody's to delete. */
export const KERNEL_PRIORITIES: readonly number[] = [0, 32_766, 32_767];

export function ruleBody(rule: PolicyRule, protocol: number): Buffer[] {
  const { family, priority, from, to, mark, iif, oif, table } = rule;
  const header = zeros(HEADER.size);
  header[HEADER.family] = FAMILY[family];
  header[HEADER.action] = TO_TABLE;
  const body = [
    header,
    attribute(FRA.protocol, Buffer.of(protocol)),
    attribute(FRA.priority, uint32(priority)),
    attribute(FRA.table, uint32(table)),
  ];
  for (const [prefix, length, type] of [
    [from, HEADER.fromLength, FRA.from],
    [to, HEADER.toLength, FRA.to],
  ] as const) {
    if (prefix === null) continue;
    const [network = '', bits] = prefix.split('/');
    header[length] = Number(bits);
    body.push(attribute(type, bytesOf(network)));
  }
  if (mark !== null) body.push(attribute(FRA.mark, uint32(mark.value)), attribute(FRA.mask, uint32(mark.mask)));
  if (iif !== null) body.push(attribute(FRA.iif, Buffer.from(`${iif}\0`, 'latin1')));
  if (oif !== null) body.push(attribute(FRA.oif, Buffer.from(`${oif}\0`, 'latin1')));
  return body;
}

/** The rule whose message (header first) begins at `at`; null if its family is unknown, or the message is damaged. */
export function readRule(data: Buffer, at: number, end: number): SeenRule | null {
  const from = at + NETLINK_HEADER;
  if (from + HEADER.size > end) return null;
  const family = (Object.keys(FAMILY) as Family[]).find((name) => FAMILY[name] === data[from + HEADER.family]);
  if (family === undefined) return null;
  const found = new Map([...attributes(data, from + HEADER.size, end)].map((one) => [one.type, one]));
  const number = (type: number) => numberOf(data, found.get(type));
  const text = (type: number) => textOf(data, found.get(type));
  const network = (type: number, length: number) => networkOf(data, found.get(type), data[from + length]!);
  const flags = data.readUInt32LE(from + HEADER.flags);
  const [value, mask] = [number(FRA.mark), number(FRA.mask)];
  // A copy, because the datagram's buffer is used again.
  const body = Buffer.from(data.subarray(from, end));
  body.writeUInt32LE(flags & INVERT, HEADER.flags);
  return {
    family,
    priority: number(FRA.priority) ?? 0,
    from: network(FRA.from, HEADER.fromLength),
    to: network(FRA.to, HEADER.toLength),
    mark: value === null && mask === null ? null : { value: value ?? 0, mask: mask ?? ALL },
    iif: text(FRA.iif),
    oif: text(FRA.oif),
    table: number(FRA.table) ?? data[from + HEADER.table]!,
    protocol: number(FRA.protocol) ?? 0,
    further:
      data[from + HEADER.action] !== TO_TABLE ||
      data[from + HEADER.tos] !== 0 ||
      (flags & INVERT) !== 0 ||
      [...found.keys()].some((type) => !KNOWN.has(type) || (NONE_IF_ALL.has(type) && number(type) !== ALL)),
    body,
  };
}

/** Whether two rules do the same, apart from their makers. */
export function sameRule(wanted: PolicyRule, there: SeenRule): boolean {
  const fields = ['family', 'priority', 'from', 'to', 'iif', 'oif', 'table'] as const;
  return (
    !there.further &&
    fields.every((field) => wanted[field] === there[field]) &&
    wanted.mark?.value === there.mark?.value &&
    wanted.mark?.mask === there.mark?.mask
  );
}

/** The rule without its priority, as iproute2 writes it: `from 10.0.2.10/32 table 10002`. */
export function describeRule(rule: PolicyRule | SeenRule): string {
  const { from, to, mark, iif, oif, table } = rule;
  const parts = [
    ...(from === null ? [] : [`from ${from}`]),
    ...(to === null ? [] : [`to ${to}`]),
    ...(mark === null
      ? []
      : [`fwmark ${hexadecimal(mark.value)}${mark.mask === ALL ? '' : `/${hexadecimal(mark.mask)}`}`]),
    ...(iif === null ? [] : [`iif ${iif}`]),
    ...(oif === null ? [] : [`oif ${oif}`]),
  ];
  const isSeen = 'further' in rule;
  return [
    ...(parts.length === 0 ? ['from all'] : parts),
    `table ${tableName(table)}`,
    ...(isSeen && rule.further ? ['and further parts'] : []),
  ].join(' ');
}

/** The rule with its maker. */
export function describeRuleOf(rule: SeenRule): string {
  return `${describeRule(rule)} (protocol ${protocolName(rule.protocol)})`;
}

function hexadecimal(value: number): string {
  return `0x${value.toString(16)}`;
}

/** A number of one or four bytes. */
function numberOf(data: Buffer, found: Attribute | undefined): number | null {
  if (found === undefined) return null;
  const length = found.end - found.start;
  return length >= 4 ? data.readUInt32LE(found.start) : length === 1 ? data[found.start]! : null;
}

/** The text of up to 15 bytes before its NUL. */
function textOf(data: Buffer, found: Attribute | undefined): string | null {
  if (found === undefined) return null;
  return data.toString('latin1', found.start, Math.min(found.end, found.start + 16)).replace(/\0.*$/s, '');
}

function networkOf(data: Buffer, found: Attribute | undefined, length: number): Prefix | null {
  const address = found === undefined ? null : addressFromBytes(data, found.start, found.end);
  return address === null || length === 0 ? null : prefixOf(address, length);
}
