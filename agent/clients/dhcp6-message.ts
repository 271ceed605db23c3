/** DHCPv6 messages on the wire (RFC 8415). */

export interface Dhcp6Message {
  /** SOLICIT, REPLY … (RFC 8415, 7.3). */
  readonly type: number;
  /** Three bytes. */
  readonly xid: Buffer;
  readonly options: readonly Dhcp6Option[];
}

export interface Dhcp6Option {
  readonly code: number;
  readonly data: Buffer;
}

const HEADER = 4;

/** null if the bytes are no message between a client and a server. Relays (12, 13) have another header. */
export function readDhcp6Message(packet: Buffer): Dhcp6Message | null {
  const type = packet[0] ?? 0;
  if (packet.length < HEADER || type === 0 || type === 12 || type === 13) return null;
  const options = options6(packet, HEADER);
  return options === null ? null : { type, xid: Buffer.from(packet.subarray(1, HEADER)), options };
}

export function writeDhcp6Message({ type, xid, options }: Dhcp6Message): Buffer {
  return Buffer.concat([Buffer.from([type]), xid, writeOptions6(options)]);
}

export function writeOptions6(options: readonly Dhcp6Option[]): Buffer {
  const parts = options.flatMap(({ code, data }) => {
    const head = Buffer.alloc(4);
    head.writeUInt16BE(code);
    head.writeUInt16BE(data.length, 2);
    return [head, data];
  });
  return Buffer.concat(parts);
}

/** The options behind the first `from` bytes; null if one is longer than the data. */
export function options6(data: Buffer, from: number): Dhcp6Option[] | null {
  const options: Dhcp6Option[] = [];
  for (let at = from; at + 4 <= data.length; ) {
    const end = at + 4 + data.readUInt16BE(at + 2);
    if (end > data.length) return null;
    options.push({ code: data.readUInt16BE(at), data: data.subarray(at + 4, end) });
    at = end;
  }
  return options;
}
