/**
 * Asks one name server directly, past the C library and its configuration. It asks by UDP, and by TCP if UDP brings no
 * answer or a truncated answer (RFC 7766).
 */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { notByLooks } from '../host/recorded-looks.ts';
import { askByTcp, type TcpFailure, type TcpWay } from './ask-tcp.ts';
import { type DnsContent, type DnsQuestion, type DnsReply, dnsQuery, readReply } from './dns-message.ts';

/**
 * `silent`: no answer in time. `unreachable`: the kernel or the server's host says that there is no route, or that no
 * program listens there. `tcp`: the reason, if the failure is about TCP only; without it, UDP also failed. `onlyByTcp`:
 * UDP was silent; the C library asks by UDP, unless resolv.conf has the option `use-vc`.
 */
export type DnsAnswer =
  | (DnsContent & { readonly kind: 'answer'; readonly onlyByTcp: boolean })
  | ((Exclude<DnsContent, { readonly kind: 'answer' }> | TcpFailure) & { readonly tcp?: Tcp });

/** Why TCP is used: UDP brought a truncated answer, or the caller asked for TCP. */
type Tcp = 'after-truncation' | 'as-asked';

export interface AskOptions {
  /** Milliseconds until a missing answer counts as silence. After a truncated answer, TCP gets the same time again. */
  readonly timeout: number;
  readonly port?: number;
  /** `tcp`: as the C library asks with the option `use-vc`. */
  readonly transport?: 'udp' | 'tcp';
  /**
   * With an OPT record (RFC 6891), as the C library asks with the option `edns0`. Some servers and firewalls refuse it.
   */
  readonly edns0?: boolean;
  /** Ends the question early; the result is as for silence. */
  readonly signal?: AbortSignal;
}

const PORT = 53;

/**
 * The answers of `server` to each question. `server`: an address; a link-local address includes its interface.
 * `questions`: all for one name, asked at once. Never throws.
 */
export async function askNameServer(
  server: string,
  questions: readonly DnsQuestion[],
  { timeout, port = PORT, transport = 'udp', edns0 = false, signal }: AskOptions,
): Promise<DnsAnswer[]> {
  notByLooks();
  const unusable = isIP(server) === 0 ? 'EINVAL' : hasItsInterface(server) ? null : 'ENODEV';
  if (unusable !== null) return questions.map(() => ({ kind: 'unreachable', code: unusable }));
  const over = new AbortController();
  const end = () => over.abort();
  const timer = setTimeout(end, timeout);
  signal?.addEventListener('abort', end);
  if (signal?.aborted) end();
  const way: TcpWay = { server, port, edns0, signal: over.signal };
  try {
    if (transport === 'tcp') return (await askByTcp(way, questions)).map((found) => byTcp(found, 'as-asked'));
    const byUdp = Promise.all(questions.map((question) => udp(way, question, timeout / 2)));
    // TCP starts beside UDP after half of the time, so that a silent server takes no longer than `timeout`.
    const halfTime = pause(timeout / 2, null, { signal: over.signal }).catch(() => null);
    const beside = Promise.race([halfTime, byUdp]).then((replies) =>
      replies === null || replies.includes(null) ? askByTcp(way, questions) : null,
    );
    const replies = await byUdp;
    // As in the C library: after one truncated answer, all questions are asked by TCP.
    if (replies.some((reply) => reply?.truncated)) {
      timer.refresh();
      return (await askByTcp(way, questions)).map((found) => byTcp(found, 'after-truncation'));
    }
    const instead = replies.includes(null) ? await beside : null;
    return replies.map((reply, n) => (reply === null ? onlyByTcp(instead?.[n] ?? SILENT) : byUdpAlone(reply.content)));
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', end);
    end();
  }
}

const SILENT = { kind: 'silent' } as const;

function byUdpAlone(content: DnsContent): DnsAnswer {
  return content.kind === 'answer' ? { ...content, onlyByTcp: false } : content;
}

function byTcp(found: DnsContent | TcpFailure, tcp: Tcp): DnsAnswer {
  return found.kind === 'answer' ? { ...found, onlyByTcp: false } : { ...found, tcp };
}

function onlyByTcp(found: DnsContent | TcpFailure): DnsAnswer {
  return found.kind === 'answer' ? { ...found, onlyByTcp: true } : found;
}

/** The C library drops a zone that it does not know, and cannot reach the link-local address without it. */
function hasItsInterface(server: string): boolean {
  const [address = '', zone] = server.split('%');
  if (!/^fe[89ab]/i.test(address)) return true;
  return zone !== undefined && (networkInterfaces()[zone] ?? []).some(({ family }) => family === 'IPv6');
}

/**
 * null if the server is silent, or no program listens there by UDP. `again`: milliseconds until the question is sent a
 * second time.
 */
function udp({ server, port, edns0, signal }: TcpWay, question: DnsQuestion, again: number): Promise<DnsReply | null> {
  const id = randomInt(0x10000);
  return new Promise((resolve) => {
    const socket = createSocket(isIP(server) === 6 ? 'udp6' : 'udp4');
    let timer: NodeJS.Timeout | undefined;
    const end = (result: DnsReply | null) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      socket.removeAllListeners().on('error', () => {});
      socket.close();
      resolve(result);
    };
    const giveUp = () => end(null);
    signal.addEventListener('abort', giveUp);
    // A packet that is not this server's answer to this question is ignored (RFC 5452).
    socket.on('message', (bytes) => {
      const reply = readReply(bytes, id, question);
      if (reply !== null) end(reply);
    });
    socket.on('error', giveUp);
    socket.on('connect', () => {
      const send = () => socket.send(dnsQuery(id, question, edns0));
      send();
      // A single lost packet is no fault, so the question is sent twice.
      timer = setTimeout(send, again);
    });
    // A connected socket gets only this server's packets, and the kernel reports if no program listens there.
    try {
      socket.connect(port, server);
    } catch {
      end(null);
    }
  });
}
