/**
 * Asks one name server directly, past the C library and its configuration: by UDP, and by TCP where that brings no
 * answer or a truncated one (RFC 7766).
 */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { type DecodedPacket, decode, encode, type OptAnswer } from 'dns-packet';
import { familyOf } from '../address/address.ts';
import { errorCode } from '../host/errors.ts';

export interface Question {
  /** Absolute, without a final dot; empty: the root. */
  readonly name: string;
  readonly type: 'A' | 'AAAA' | 'NS';
}

/**
 * `silent`: no answer in time. `unreachable`: the kernel or the other host says that there is no way, or that no program
 * listens there. `tcp`: this is about TCP alone, and why; else UDP brought nothing either.
 */
export type Answer =
  | {
      readonly kind: 'answer';
      readonly rcode: string;
      /** What the C library takes from the answer; empty unless `rcode` is NOERROR. */
      readonly values: readonly string[];
      /** UDP was silent. The C library asks by UDP, unless resolv.conf has the option `use-vc`. */
      readonly onlyByTcp: boolean;
    }
  | { readonly kind: 'silent'; readonly tcp?: Tcp }
  | { readonly kind: 'unreachable'; readonly code: string; readonly tcp?: Tcp }
  | { readonly kind: 'garbled'; readonly tcp?: Tcp };

/** UDP brought a truncated answer, or was not to be asked. */
type Tcp = 'after-truncation' | 'as-asked';

export interface AskOptions {
  /** Milliseconds until silence is silence. A truncated answer gives TCP as many again. */
  readonly timeout: number;
  readonly port?: number;
  /** `tcp`: as the C library asks with the option `use-vc`. */
  readonly transport?: 'udp' | 'tcp';
  /** With an OPT record (RFC 6891), as the C library asks with the option `edns0`. Some servers and firewalls refuse it. */
  readonly edns0?: boolean;
  /** Ends the question early, as silence. */
  readonly signal?: AbortSignal;
}

const PORT = 53;

/** One question on its way to one server, until `signal` ends it. */
interface Way {
  readonly server: string;
  readonly port: number;
  readonly question: Question;
  readonly edns0: boolean;
  readonly signal: AbortSignal;
}

/**
 * What `server` answers. `server`: an address; a link-local one with its interface. `values` are the addresses or names of
 * the type that was asked for, read as strictly as the C library reads them. Never throws.
 */
export async function ask(
  server: string,
  question: Question,
  { timeout, port = PORT, transport = 'udp', edns0 = false, signal }: AskOptions,
): Promise<Answer> {
  const unusable = isIP(server) === 0 ? 'EINVAL' : hasItsInterface(server) ? null : 'ENODEV';
  if (unusable !== null) return { kind: 'unreachable', code: unusable };
  const over = new AbortController();
  const end = () => over.abort();
  const timer = setTimeout(end, timeout);
  signal?.addEventListener('abort', end);
  if (signal?.aborted) end();
  const way: Way = { server, port, question, edns0, signal: over.signal };
  try {
    if (transport === 'tcp') return about(await tcp(way), 'as-asked');
    const byUdp = udp(way, timeout / 2);
    // TCP is tried beside UDP once half of the time is over, so that a silent server takes no longer than `timeout`.
    const halfTime = pause(timeout / 2, null, { signal: over.signal }).catch(() => null);
    const byTcp = Promise.race([halfTime, byUdp]).then((packet) => (packet === null ? tcp(way) : null));
    const packet = await byUdp;
    if (packet === null) return onlyByTcp((await byTcp) ?? { kind: 'silent' });
    if (!packet.flag_tc) return answerOf(packet, question);
    timer.refresh();
    return about(await tcp(way), 'after-truncation');
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', end);
    end();
  }
}

function about(answer: Answer, tcp: Tcp): Answer {
  return answer.kind === 'answer' ? answer : { ...answer, tcp };
}

function onlyByTcp(answer: Answer): Answer {
  return answer.kind === 'answer' ? { ...answer, onlyByTcp: true } : answer;
}

/** The C library drops the zone that it does not know, and then cannot reach a link-local address. */
function hasItsInterface(server: string): boolean {
  const [address = '', zone] = server.split('%');
  if (!/^fe[89ab]/i.test(address)) return true;
  return zone !== undefined && (networkInterfaces()[zone] ?? []).some(({ family }) => family === 'IPv6');
}

/** null: silence, or no program listens there by UDP. `again`: milliseconds until the question is sent a second time. */
function udp({ server, port, question, edns0, signal }: Way, again: number): Promise<DecodedPacket | null> {
  const id = randomInt(0x10000);
  return new Promise((resolve) => {
    const socket = createSocket(familyOf(server) === 'ipv6' ? 'udp6' : 'udp4');
    let timer: NodeJS.Timeout | undefined;
    const end = (result: DecodedPacket | null) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      socket.removeAllListeners().on('error', () => {});
      socket.close();
      resolve(result);
    };
    const giveUp = () => end(null);
    signal.addEventListener('abort', giveUp);
    // What is not the answer to this question, by this server, is not even looked at (RFC 5452).
    socket.on('message', (bytes) => {
      const packet = decoded(bytes);
      if (packet !== null && isAnswer(packet, id, question)) end(packet);
    });
    socket.on('error', giveUp);
    socket.on('connect', () => {
      const send = () => socket.send(query(id, question, edns0));
      send();
      // One packet may be lost on its way without anything being wrong.
      timer = setTimeout(send, again);
    });
    // Connected: only this server's packets come in, and the kernel says when no program listens there.
    try {
      socket.connect(port, server);
    } catch {
      end(null);
    }
  });
}

function tcp({ server, port, question, edns0, signal }: Way): Promise<Answer> {
  if (signal.aborted) return Promise.resolve({ kind: 'silent' });
  const id = randomInt(0x10000);
  return new Promise((resolve) => {
    const socket = connect({ port, host: server });
    let bytes = Buffer.alloc(0);
    const end = (answer: Answer) => {
      signal.removeEventListener('abort', giveUp);
      socket.removeAllListeners().on('error', () => {});
      socket.destroy();
      resolve(answer);
    };
    const giveUp = () => end({ kind: 'silent' });
    signal.addEventListener('abort', giveUp);
    socket.on('connect', () => socket.write(prefixed(query(id, question, edns0))));
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

function query(id: number, { name, type }: Question, edns0: boolean): Buffer {
  const additionals = edns0 ? [OPT] : [];
  return encode({ type: 'query', id, flags: RECURSION_DESIRED, questions: [{ name, type }], additionals });
}

/** glibc offers 1200 bytes (RESOLV_EDNS_BUFFER_SIZE). */
const OPT: OptAnswer = {
  type: 'OPT',
  name: '.',
  udpPayloadSize: 1200,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
};

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

/**
 * As glibc reads an answer (getanswer_r of nss_dns): NOERROR only, the class IN only, and of the records in their order those
 * of the name that was asked for, or of the name that its aliases have led to by then. It passes over all other records.
 */
function answerOf(packet: DecodedPacket, { name, type }: Question): Answer {
  const rcode = rcodeOf(packet);
  let expected = name;
  const values: string[] = [];
  for (const record of rcode === 'NOERROR' ? (packet.answers ?? []) : []) {
    if (!('data' in record) || typeof record.data !== 'string') continue;
    if (!sameName(record.name, expected) || (record.class ?? 'IN') !== 'IN') continue;
    if (record.type === 'CNAME') expected = record.data;
    else if (record.type === type && (type === 'NS' || isIP(record.data) !== 0)) values.push(record.data);
  }
  return { kind: 'answer', rcode, values, onlyByTcp: false };
}

/** dns-packet has it, its types do not. */
function rcodeOf(packet: DecodedPacket): string {
  return String((packet as { rcode?: string }).rcode ?? 'NOERROR');
}

function sameName(a: string, b: string): boolean {
  const plain = (one: string) => one.toLowerCase().replace(/\.$/, '');
  return plain(a) === plain(b);
}

function decoded(bytes: Buffer): DecodedPacket | null {
  try {
    return decode(bytes);
  } catch {
    return null;
  }
}
