/**
 * Asks a name server by TCP as glibc does. A look-up asks for A and AAAA at once, on one connection, and fails unless
 * both are answered there (measured with 2.36).
 */
import { randomInt } from 'node:crypto';
import { connect } from 'node:net';
import { errorCode } from '../host/errors.ts';
import { type DnsContent, type DnsQuestion, dnsQuery, readReply } from './dns-message.ts';

export interface TcpWay {
  readonly server: string;
  readonly port: number;
  readonly edns0: boolean;
  /** Ends the conversation; the result is as for silence. */
  readonly signal: AbortSignal;
}

/**
 * The failures of a whole conversation. `unpaired`: the server answered some of the questions, and then fell silent.
 */
export type TcpFailure =
  | { readonly kind: 'silent' | 'unpaired' | 'garbled' }
  | { readonly kind: 'unreachable'; readonly code: string };

/** In the order of the questions; on a failure, every question has the same failure. */
export async function askByTcp(way: TcpWay, questions: readonly DnsQuestion[]): Promise<(DnsContent | TcpFailure)[]> {
  const asked = withPartners(questions);
  const result = await converse(way, asked);
  return questions.map((question) => (Array.isArray(result) ? result[asked.indexOf(question)]! : result));
}

/** Adds the question for the other address family, which the C library also asks. */
function withPartners(questions: readonly DnsQuestion[]): DnsQuestion[] {
  const types = new Set(questions.map(({ type }) => type));
  const missing = types.has('NS') ? [] : (['A', 'AAAA'] as const).filter((type) => !types.has(type));
  return [...questions, ...missing.map((type) => ({ name: questions[0]!.name, type }))];
}

function converse(
  { server, port, edns0, signal }: TcpWay,
  questions: readonly DnsQuestion[],
): Promise<DnsContent[] | TcpFailure> {
  if (signal.aborted) return Promise.resolve({ kind: 'silent' });
  const first = randomInt(0x10000 - questions.length);
  const answers: (DnsContent | undefined)[] = questions.map(() => undefined);
  return new Promise((resolve) => {
    const socket = connect({ port, host: server });
    let bytes = Buffer.alloc(0);
    const end = (result: DnsContent[] | TcpFailure) => {
      signal.removeEventListener('abort', giveUp);
      socket.removeAllListeners().on('error', () => {});
      socket.destroy();
      resolve(result);
    };
    const fail = (failure: TcpFailure) => end(answers.some(Boolean) ? { kind: 'unpaired' } : failure);
    const giveUp = () => fail({ kind: 'silent' });
    signal.addEventListener('abort', giveUp);
    socket.on('connect', () => {
      socket.write(Buffer.concat(questions.map((one, n) => prefixed(dnsQuery(first + n, one, edns0)))));
    });
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) {
        const message = bytes.subarray(2, 2 + bytes.readUInt16BE(0));
        bytes = bytes.subarray(2 + message.length);
        const n = message.length < 2 ? -1 : message.readUInt16BE(0) - first;
        const question = questions[n];
        const reply = question === undefined ? null : readReply(message, first + n, question);
        if (reply === null) return end({ kind: 'garbled' });
        answers[n] = reply.content;
        if (answers.every((answer) => answer !== undefined)) return end(answers);
      }
    });
    socket.on('error', (error) => fail({ kind: 'unreachable', code: errorCode(error) ?? 'UNKNOWN' }));
    socket.on('close', () => fail({ kind: 'unreachable', code: 'ECONNRESET' }));
  });
}

/** On a stream, the length precedes each message (RFC 1035, 4.2.2). */
function prefixed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}
