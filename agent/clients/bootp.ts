/** DHCPv4 messages on the wire (RFC 2131). Their options are in RFC 2132, long options in several parts in RFC 3396. */
import type { IpAddress } from '../address/accepted.ts';
import { addressOfBytes } from '../address/address-checks.ts';

export interface BootpMessage {
  /** 1: from a client, 2: from a server. */
  readonly op: number;
  /** The kind and the length of hardware addresses, as the message has them. */
  readonly hardware: readonly [kind: number, length: number];
  readonly xid: number;
  readonly flags: number;
  /** Four bytes each: the client's address, the given one, that of the next server, that of a relay. */
  readonly ciaddr: Buffer;
  readonly yiaddr: Buffer;
  readonly siaddr: Buffer;
  /** 16, 64 and 128 bytes: the client's hardware address, the server's name, the boot file. */
  readonly chaddr: Buffer;
  readonly sname: Buffer;
  readonly file: Buffer;
  readonly options: ReadonlyMap<number, Buffer>;
}

/** The fixed part of a message, and the cookie at its end. */
const FIXED = 240;
const COOKIE = 0x63825363;

const PAD = 0;
const END = 255;
/** Bytes: the most that one part of an option holds. */
const PART = 255;

/** null if the bytes are no DHCP message. */
export function readBootp(packet: Buffer): BootpMessage | null {
  if (packet.length < FIXED || packet.readUInt32BE(FIXED - 4) !== COOKIE) return null;
  const options = readOptions(packet);
  if (options === null) return null;
  const bytes = (from: number, length: number) => Buffer.from(packet.subarray(from, from + length));
  return {
    op: packet[0]!,
    hardware: [packet[1]!, packet[2]!],
    xid: packet.readUInt32BE(4),
    flags: packet.readUInt16BE(10),
    ciaddr: bytes(12, 4),
    yiaddr: bytes(16, 4),
    siaddr: bytes(20, 4),
    chaddr: bytes(28, 16),
    sname: bytes(44, 64),
    file: bytes(108, 128),
    options,
  };
}

/** null if an option is longer than the message. */
function readOptions(packet: Buffer): Map<number, Buffer> | null {
  const options = new Map<number, Buffer>();
  for (let at = FIXED; at < packet.length && packet[at] !== END; ) {
    const code = packet[at]!;
    if (code === PAD) {
      at += 1;
      continue;
    }
    if (at + 1 >= packet.length) return null;
    const end = at + 2 + packet[at + 1]!;
    if (end > packet.length) return null;
    options.set(code, Buffer.concat([options.get(code) ?? Buffer.alloc(0), packet.subarray(at + 2, end)]));
    at = end;
  }
  return options;
}

/** Bytes: old relays and clients drop a shorter message (RFC 1542, 2.1). */
const SHORTEST = 300;

export function writeBootp(message: BootpMessage): Buffer {
  const fixed = Buffer.alloc(FIXED);
  fixed[0] = message.op;
  fixed.set(message.hardware, 1);
  fixed.writeUInt32BE(message.xid, 4);
  fixed.writeUInt16BE(message.flags, 10);
  message.ciaddr.copy(fixed, 12);
  message.yiaddr.copy(fixed, 16);
  message.siaddr.copy(fixed, 20);
  message.chaddr.copy(fixed, 28);
  message.sname.copy(fixed, 44);
  message.file.copy(fixed, 108);
  fixed.writeUInt32BE(COOKIE, FIXED - 4);
  const parts = [...message.options].flatMap(([code, data]) => writeOption(code, data));
  const packet = Buffer.concat([fixed, ...parts, Buffer.from([END])]);
  return packet.length >= SHORTEST ? packet : Buffer.concat([packet, Buffer.alloc(SHORTEST - packet.length)]);
}

function writeOption(code: number, data: Buffer): Buffer[] {
  const count = Math.max(1, Math.ceil(data.length / PART));
  return Array.from({ length: count }, (_, n) => {
    const part = data.subarray(n * PART, (n + 1) * PART);
    return Buffer.concat([Buffer.from([code, part.length]), part]);
  });
}

/** The addresses of an option, of `size` bytes each. */
export function optionAddresses(data: Buffer | undefined, size: 4 | 16): IpAddress[] {
  const count = Math.floor((data?.length ?? 0) / size);
  return Array.from({ length: count }, (_, n) => addressOfBytes(data!.subarray(n * size, (n + 1) * size)));
}
