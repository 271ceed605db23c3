/**
 * Opens a TCP connection to a port of a host on trial, from the collector's own side. A sender can only name a port of
 * its own address, and one port for a while, so that nobody scans ports through the collector.
 */
import { connect } from 'node:net';
import type { InboundTry } from '../../confirm/wire/acknowledgement.ts';
import { isLoopback } from '../admission/access.ts';
import { networkOf } from '../admission/sender.ts';

/** Milliseconds for the connection. */
const PATIENCE = 3_000;
/** Connections under way. */
const MOST_AT_ONCE = 256;
/** Connections under way to one IPv6 /64. One host may use all addresses of a /64, and many good hosts may share a /64. */
const MOST_OF_NETWORK = 64;
/** Milliseconds for which an address keeps its port, and tries of an address in each minute. */
const KEPT = 600_000;
const MINUTE = 60_000;
const MOST_A_MINUTE = 90;
/** Addresses that are remembered; the oldest goes first. */
const MOST_ADDRESSES = 20_000;

interface Tried {
  readonly port: number;
  /** The times of the tries of the last minute. */
  tries: number[];
  underWay: Promise<InboundTry> | null;
}

export class InboundTries {
  /** The longest without a try first. */
  readonly #tried = new Map<string, Tried>();
  #atOnce = 0;
  /** Connections under way by network (networkOf in admission/sender.ts). */
  readonly #ofNetwork = new Map<string, number>();

  /** Never rejects. */
  async reach(address: string, port: number, now: number): Promise<InboundTry> {
    if (isLoopback(address))
      return untried('the question came from the collector’s own machine, so a try would prove nothing');
    const known = this.#of(address, port, now);
    if (known.port !== port)
      return untried(`another port of ${address} was tried in the last ${KEPT / MINUTE} minutes`);
    if (known.underWay !== null) return known.underWay;
    known.tries = known.tries.filter((time) => time > now - MINUTE);
    if (known.tries.length >= MOST_A_MINUTE) return untried(`${address} asks too often`);
    const network = networkOf(address);
    const beside = this.#ofNetwork.get(network) ?? 0;
    if (this.#atOnce >= MOST_AT_ONCE || beside >= MOST_OF_NETWORK)
      return untried('the collector tries too many ports just now');
    known.tries.push(now);
    this.#atOnce += 1;
    this.#ofNetwork.set(network, beside + 1);
    known.underWay = attempt(address, port);
    try {
      return await known.underWay;
    } finally {
      known.underWay = null;
      this.#atOnce -= 1;
      const rest = this.#ofNetwork.get(network)! - 1;
      if (rest > 0) this.#ofNetwork.set(network, rest);
      else this.#ofNetwork.delete(network);
    }
  }

  #of(address: string, port: number, now: number): Tried {
    const known = this.#tried.get(address);
    const last = known?.tries.at(-1) ?? Number.NEGATIVE_INFINITY;
    const isKept = known !== undefined && (known.underWay !== null || now - last < KEPT);
    const one = isKept ? known : { port, tries: [], underWay: null };
    this.#tried.delete(address);
    if (this.#tried.size >= MOST_ADDRESSES) this.#tried.delete(this.#tried.keys().next().value!);
    this.#tried.set(address, one);
    return one;
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'no program listens there',
  ECONNRESET: 'the connection was reset',
  EHOSTUNREACH: 'no host answers at the address',
  ENETUNREACH: 'the collector has no route to it',
};

function untried(why: string): InboundTry {
  return { tried: false, why };
}

function attempt(address: string, port: number): Promise<InboundTry> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const end = (why: string | null) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ tried: true, why });
    };
    const timer = setTimeout(() => end(`no connection within ${PATIENCE / 1000} s`), PATIENCE);
    socket.once('connect', () => end(null));
    socket.on('error', (error: NodeJS.ErrnoException) => end(WORDS[error.code ?? ''] ?? error.message));
  });
}
