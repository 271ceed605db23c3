/** A name server on this machine's loopback that answers as a test says, by UDP and by TCP. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { TestContext } from 'node:test';
import { type Answer, type DecodedPacket, decode, encode } from 'dns-packet';

/** Bytes to answer with; null: silence. */
export type Respond = (query: DecodedPacket, transport: 'udp' | 'tcp') => Buffer | null;

/** By TCP: the server closes the connection instead. */
export const HANG_UP = Buffer.from('hang up');

const REPLY = 0x8180;
const TRUNCATED = 0x0200;

/** An answer to `query` with these addresses, of whichever family was asked for. `rcode`: RFC 1035, 4.1.1. */
export function answer(
  query: DecodedPacket,
  addresses: readonly string[] = [],
  { rcode = 0, truncated = false }: { rcode?: number; truncated?: boolean } = {},
): Buffer {
  const [question] = query.questions ?? [];
  const { name, type } = question!;
  const bytes = encode({
    type: 'response',
    id: query.id ?? 0,
    flags: REPLY | (truncated ? TRUNCATED : 0),
    questions: [question!],
    answers: addresses
      .filter((address) => (type === 'AAAA') === address.includes(':'))
      .map((data) => ({ type: type as 'A', name, data, ttl: 1 })),
  });
  bytes.writeUInt16BE(bytes.readUInt16BE(2) | rcode, 2);
  return bytes;
}

/** An answer to `query` with these records, in their order. */
export function records(query: DecodedPacket, answers: readonly Answer[], options: { rcode?: number } = {}): Buffer {
  const bytes = encode({
    type: 'response',
    id: query.id ?? 0,
    flags: REPLY,
    questions: query.questions!,
    answers: [...answers],
  });
  bytes.writeUInt16BE(bytes.readUInt16BE(2) | (options.rcode ?? 0), 2);
  return bytes;
}

/** Gives its port of 127.0.0.1, and what it was asked: `udp A puppet.example.com`. It ends with the test. */
export async function dnsServer(t: TestContext, respond: Respond): Promise<{ port: number; asked: string[] }> {
  const asked: string[] = [];
  const handle = (bytes: Buffer, transport: 'udp' | 'tcp') => {
    const query = decode(bytes);
    asked.push(`${transport} ${query.questions?.[0]?.type} ${query.questions?.[0]?.name}`);
    return respond(query, transport);
  };
  const tcp = createServer((socket) => {
    socket.on('error', () => {});
    let bytes = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) {
        const message = bytes.subarray(2, 2 + bytes.readUInt16BE(0));
        bytes = bytes.subarray(2 + message.length);
        const reply = handle(message, 'tcp');
        if (reply === null) continue;
        if (reply === HANG_UP) return socket.end();
        const length = Buffer.alloc(2);
        length.writeUInt16BE(reply.length);
        socket.write(length);
        socket.write(reply);
      }
    });
    t.after(() => socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const { port } = tcp.address() as { port: number };
  const udp = createSocket('udp4');
  udp.on('message', (bytes, from) => {
    const reply = handle(bytes, 'udp');
    if (reply !== null) udp.send(reply, from.port, from.address);
  });
  udp.bind(port, '127.0.0.1');
  await once(udp, 'listening');
  t.after(() => {
    tcp.close();
    udp.close();
  });
  return { port, asked };
}
