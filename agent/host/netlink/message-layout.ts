/**
 * The layout of rtnetlink messages (netlink(7), rtnetlink(7), linux/rtnetlink.h). They use the machine's byte order,
 * which is little-endian on every machine that Holdfast runs on. Each part is padded to 4 bytes.
 */
import type { Family } from '../../address/address.ts';

export const NETLINK_HEADER = 16;

export const MESSAGE = {
  error: 2,
  done: 3,
  overrun: 4,
  newLink: 16,
  deleteLink: 17,
  getLink: 18,
  newRoute: 24,
  deleteRoute: 25,
  getRoute: 26,
  newNeighbour: 28,
  getNeighbour: 30,
  newRule: 32,
  deleteRule: 33,
  getRule: 34,
  newUserOption: 68,
  newNexthop: 104,
  deleteNexthop: 105,
  getNexthop: 106,
} as const;

export const FLAG = {
  request: 1,
  /** Further messages follow, the last of which is of type `done`. */
  multi: 2,
  ack: 4,
  dumpInterrupted: 0x10,
  replace: 0x100,
  exclusive: 0x200,
  dump: 0x300,
  create: 0x400,
  append: 0x800,
} as const;

export const FAMILY = { ipv4: 2, ipv6: 10 } as const satisfies Record<Family, number>;

/** Bytes of struct ifinfomsg. */
export const IFINFOMSG = 16;

/** The layout of struct ndmsg, and its attributes (linux/neighbour.h). */
export const NDMSG = { size: 12, family: 0, index: 4, state: 8, flags: 10 } as const;
export const NDA = { destination: 1, cacheInfo: 3, probes: 4 } as const;

/** NFNL_SUBSYS_NFTABLES, the high byte of a message's type (linux/netfilter/nfnetlink.h). */
export const NFTABLES = 10 << 8;

/** One attribute of a message: the place of its value in the datagram. */
export interface Attribute {
  readonly type: number;
  readonly start: number;
  readonly end: number;
}

/**
 * The attributes between two offsets. An attribute that claims more bytes than there are is not read, and ends the
 * list.
 */
export function* attributes(data: Buffer, from: number, to: number): Iterable<Attribute> {
  for (let at = from; at + 4 <= to; ) {
    const length = data.readUInt16LE(at);
    if (length < 4 || at + length > to) return;
    // The two highest bits say how to read the value, and every reader of the value knows that.
    yield { type: data.readUInt16LE(at + 2) & 0x3fff, start: at + 4, end: at + length };
    at += align(length);
  }
}

/** The first attribute of this type between two offsets; null if there is none. */
export function findAttribute(data: Buffer, from: number, to: number, type: number): Attribute | null {
  for (const one of attributes(data, from, to)) if (one.type === type) return one;
  return null;
}

export function attribute(type: number, value: Buffer): Buffer {
  const whole = zeros(align(4 + value.length));
  whole.writeUInt16LE(4 + value.length, 0);
  whole.writeUInt16LE(type, 2);
  whole.set(value, 4);
  return whole;
}

/**
 * A short buffer, cut from Node's pool: Buffer.alloc would make a block of memory for each, which V8 collects one by one. A
 * thousand routes need some ten thousand.
 */
export function zeros(length: number): Buffer {
  return Buffer.allocUnsafe(length).fill(0);
}

/** A message for the kernel. The kernel's answers carry `sequence` in their header. */
export function message(type: number, flags: number, sequence: number, ...body: Buffer[]): Buffer {
  const whole = Buffer.concat([zeros(NETLINK_HEADER), ...body]);
  whole.writeUInt32LE(whole.length, 0);
  whole.writeUInt16LE(type, 4);
  whole.writeUInt16LE(flags | FLAG.request, 6);
  whole.writeUInt32LE(sequence, 8);
  return whole;
}

export function uint32(value: number): Buffer {
  const bytes = zeros(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function align(length: number): number {
  return (length + 3) & ~3;
}
