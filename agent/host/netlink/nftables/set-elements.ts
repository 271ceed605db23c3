/**
 * Reads the elements of nftables sets from the kernel (linux/netfilter/nf_tables.h): their keys, counters and times. It
 * starts no process.
 */
import { dump, type Gatherer } from '../dump.ts';
import { attribute, attributes, findAttribute, NETLINK_HEADER, NFTABLES } from '../message-layout.ts';
import { NetlinkError, NetlinkSocket } from '../socket.ts';
import { NETLINK_NETFILTER, NFGENMSG, NFPROTO_INET } from './nftables.ts';

const NEW_ELEMENTS = NFTABLES | 12;
const GET_ELEMENTS = NFTABLES | 13;
const LIST = { table: 1, set: 2, elements: 3 } as const;
const ELEMENT = { key: 1, timeout: 4, expiration: 5, expression: 7, expressions: 11 } as const;
const VALUE = 1; // NFTA_DATA_VALUE
const EXPRESSION = { name: 1, data: 2 } as const;
const COUNTER_PACKETS = 2;

export interface SetElement {
  /** Each part of a concatenation is padded to 4 bytes. Addresses are in network order, numbers in the machine's. */
  readonly key: Buffer;
  /** null if the element has no counter. */
  readonly packets: number | null;
  /** Milliseconds that the element lives without an update; null if that is the set's own time, or for ever. */
  readonly timeout: number | null;
  /** Milliseconds until it goes; null if it stays for ever. */
  readonly left: number | null;
}

/** The elements of each set of an inet table; null if the table or one of the sets does not exist. Throws NetlinkError. */
export async function setElements(
  table: string,
  sets: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly SetElement[]> | null> {
  using socket = await NetlinkSocket.open(NETLINK_NETFILTER);
  const found = new Map<string, SetElement[]>();
  try {
    for (const set of sets) {
      const header = Buffer.alloc(NFGENMSG);
      header[0] = NFPROTO_INET;
      const names = [attribute(LIST.table, Buffer.from(`${table}\0`)), attribute(LIST.set, Buffer.from(`${set}\0`))];
      const request = { get: GET_ELEMENTS, gives: NEW_ELEMENTS, body: Buffer.concat([header, ...names]) };
      found.set(set, await dump(socket, request, () => new Elements(), signal));
    }
    return found;
  } catch (error) {
    if (error instanceof NetlinkError && error.code === 'ENOENT') return null;
    throw error;
  }
}

export class Elements implements Gatherer<SetElement[]> {
  readonly #found: SetElement[] = [];

  take(data: Buffer, at: number, end: number): false {
    const list = findAttribute(data, at + NETLINK_HEADER + NFGENMSG, end, LIST.elements);
    if (list === null) return false;
    for (const { start, end: stop } of attributes(data, list.start, list.end)) {
      const element = elementAt(data, start, stop);
      if (element !== null) this.#found.push(element);
    }
    return false;
  }

  result(): SetElement[] {
    return this.#found;
  }
}

/** null for an element without a plain key, as at the end of an interval. */
function elementAt(data: Buffer, start: number, end: number): SetElement | null {
  let key: Buffer | null = null;
  let packets: number | null = null;
  let timeout: number | null = null;
  let left: number | null = null;
  for (const one of attributes(data, start, end)) {
    if (one.type === ELEMENT.key) key = keyBytes(data, one.start, one.end);
    if (one.type === ELEMENT.timeout) timeout = numberAt(data, one.start, one.end);
    if (one.type === ELEMENT.expiration) left = numberAt(data, one.start, one.end);
    if (one.type === ELEMENT.expression) packets = packetsOf(data, one.start, one.end) ?? packets;
    if (one.type === ELEMENT.expressions)
      for (const each of attributes(data, one.start, one.end))
        packets = packetsOf(data, each.start, each.end) ?? packets;
  }
  return key === null ? null : { key, packets, timeout, left };
}

/** A copy, because all answers use the same buffer. */
function keyBytes(data: Buffer, start: number, end: number): Buffer | null {
  const value = findAttribute(data, start, end, VALUE);
  return value === null ? null : Buffer.from(data.subarray(value.start, value.end));
}

/** null if the expression is no counter. */
function packetsOf(data: Buffer, start: number, end: number): number | null {
  const name = findAttribute(data, start, end, EXPRESSION.name);
  const body = findAttribute(data, start, end, EXPRESSION.data);
  if (name === null || body === null || data.toString('latin1', name.start, name.end) !== 'counter\0') return null;
  const packets = findAttribute(data, body.start, body.end, COUNTER_PACKETS);
  return packets === null ? null : numberAt(data, packets.start, packets.end);
}

/** A 64-bit number in network order, as these attributes have it; null if it has another size. */
function numberAt(data: Buffer, start: number, end: number): number | null {
  return end - start === 8 ? Number(data.readBigUInt64BE(start)) : null;
}
