/**
 * Asks one name server directly, past the C library and its configuration: by UDP, and by TCP where that brings no
 * answer or a truncated one (RFC 7766).
 */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, isIP } from 'node:net';
import { type DecodedPacket, decode, encode } from 'dns-packet';
import { errorCode } from '../host/errors.ts';

export interface Question {
  /** Absolute, without a final dot; empty: the root. */
  readonly name: string;
  readonly type: 'A' | 'AAAA' | 'NS';
}

/** `silent`: no answer in time. `unreachable`: the kernel or the other host says that there is no way, or nobody there. */
export type Answer =
  | {
      readonly kind: 'answer';
      readonly rcode: string;
      readonly values: readonly string[];
      /** UDP was silent, by which the C library asks (but for `use-vc`, resolv.conf(5)). */
      readonly onlyByTcp: boolean;
    }
  | { readonly kind: 'silent' }
  | { readonly kind: 'unreachable'; readonly code: string }
  | { readonly kind: 'garbled' };

const PORT = 53;

/**
 * What `server` (an address; a link-local one with its interface) answers. `values`: the addresses or names that the
 * answer has of the type that was asked for, whatever aliases led there. `timeout`: milliseconds for UDP, and as many
 * again for TCP. Never throws.
 */
export async function ask(
  server: string,
  question: Question,
  { timeout, port = PORT }: { timeout: number; port?: number },
): Promise<Answer> {
  if (isIP(server) === 0) return { kind: 'unreachable', code: 'EINVAL' };
  const byUdp = await udp(server, port, question, timeout);
  if (byUdp !== null && !byUdp.flag_tc) return answerOf(byUdp, question);
  const byTcp = await tcp(server, port, question, timeout);
  return byTcp.kind === 'answer' ? { ...byTcp, onlyByTcp: byUdp === null } : byTcp;
}

/** null: silence, or none that listens there by UDP: TCP is still to be tried. */
function udp(server: string, port: number, question: Question, timeout: number): Promise<DecodedPacket | null> {
  const id = randomInt(0x10000);
  return new Promise((resolve) => {
    const socket = createSocket(server.includes(':') ? 'udp6' : 'udp4');
    const timers: NodeJS.Timeout[] = [];
    const end = (result: DecodedPacket | null) => {
      for (const timer of timers) clearTimeout(timer);
      socket.removeAllListeners().on('error', () => {});
      socket.close();
      resolve(result);
    };
    // What is not the answer to this question, by this server, is not even looked at (RFC 5452).
    socket.on('message', (bytes) => {
      const packet = decoded(bytes);
      if (packet !== null && isAnswer(packet, id, question)) end(packet);
    });
    socket.on('error', () => end(null));
    timers.push(setTimeout(() => end(null), timeout));
    socket.on('connect', () => {
      const send = () => socket.send(query(id, question));
      send();
      // One packet may be lost on its way without anything being wrong.
      timers.push(setTimeout(send, timeout / 2));
    });
    // Connected: only this server's packets come in, and that nobody listens there is told.
    try {
      socket.connect(port, server);
    } catch {
      end(null);
    }
  });
}

function tcp(server: string, port: number, question: Question, timeout: number): Promise<Answer> {
  const id = randomInt(0x10000);
  return new Promise((resolve) => {
    const socket = connect({ port, host: server });
    let bytes = Buffer.alloc(0);
    const end = (answer: Answer) => {
      clearTimeout(timer);
      socket.removeAllListeners().on('error', () => {});
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => end({ kind: 'silent' }), timeout);
    socket.on('connect', () => socket.write(prefixed(query(id, question))));
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length < 2 || bytes.length < 2 + bytes.readUInt16BE(0)) return;
      const packet = decoded(bytes.subarray(2, 2 + bytes.readUInt16BE(0)));
      end(packet !== null && isAnswer(packet, id, question) ? answerOf(packet, question) : { kind: 'garbled' });
    });
    socket.on('error', (error) => end({ kind: 'unreachable', code: errorCode(error) ?? 'UNKNOWN' }));
    socket.on('close', () => end({ kind: 'unreachable', code: 'ECONNRESET' }));
  });
}

function query(id: number, { name, type }: Question): Buffer {
  return encode({ type: 'query', id, flags: RECURSION_DESIRED, questions: [{ name, type }] });
}

const RECURSION_DESIRED = 0x100;

/** The length goes before a message on a stream (RFC 1035, 4.2.2). */
function prefixed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

function isAnswer(packet: DecodedPacket, id: number, { name, type }: Question): boolean {
  if (packet.type !== 'response' || packet.id !== id) return false;
  const [asked, ...more] = packet.questions ?? [];
  // A server that cannot read a question may leave it out of its refusal.
  if (asked === undefined) return rcodeOf(packet) !== 'NOERROR';
  return more.length === 0 && asked.type === type && sameName(asked.name, name);
}

function answerOf(packet: DecodedPacket, { type }: Question): Answer {
  const records = packet.answers ?? [];
  const values = records.flatMap((record) => {
    return record.type === type && 'data' in record && typeof record.data === 'string' ? [record.data] : [];
  });
  return { kind: 'answer', rcode: rcodeOf(packet), values, onlyByTcp: false };
}

/** dns-packet has it, its types do not. */
function rcodeOf(packet: DecodedPacket): string {
  return String((packet as { rcode?: string }).rcode ?? 'NOERROR');
}

function sameName(a: string, b: string): boolean {
  const plain = (name: string) => name.toLowerCase().replace(/\.$/, '');
  return plain(a) === plain(b);
}

function decoded(bytes: Buffer): DecodedPacket | null {
  try {
    return decode(bytes);
  } catch {
    return null;
  }
}
