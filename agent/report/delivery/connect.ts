/**
 * Connects to the collector's first address that answers. Node (24) gives up each address after 250 ms. It therefore
 * never reaches a collector that is one second away and has a second, dead address. We follow RFC 8305: a slow attempt
 * goes on while the next address is tried beside it, and the first connection wins.
 */
import { lookup as lookUp } from 'node:dns';
import { connect, isIP, type Socket } from 'node:net';
import { bareHost } from '../../address/address.ts';
import { errorMessage } from '../../host/errors.ts';

/** Milliseconds until the next address is tried beside those without an answer (RFC 8305, section 8). */
const HEAD_START = 250;
/** Milliseconds that an address waits behind all others after it accepted a connection and did not answer. */
const DISTRUST = 5000;

export interface ConnectTarget {
  readonly host: string;
  readonly port: number;
}

export interface Race {
  /** The addresses in order of preference. Throws if there is none. */
  readonly resolve: (host: string) => Promise<readonly string[]>;
  readonly open: (address: string, port: number) => Socket;
}

const REAL: Race = { resolve, open: (host, port) => connect({ host, port, keepAlive: true, noDelay: true }) };

/**
 * Returns the first connection that succeeds before `signal` ends the wait. Rejects with the reasons of all attempts.
 * @param distrusted an address to try last, unless it is the only one; null for none.
 */
export async function connectAny(
  { host, port }: ConnectTarget,
  signal: AbortSignal,
  distrusted: string | null = null,
  race: Partial<Race> = {},
): Promise<Socket> {
  const { resolve, open } = { ...REAL, ...race };
  const found = await resolve(host);
  signal.throwIfAborted();
  const trusted = found.filter((address) => address !== distrusted);
  const addresses = [...trusted, ...found.filter((address) => address === distrusted)];
  return new Promise((done, fail) => {
    const under = new Set<Socket>();
    const reasons: string[] = [];
    let next = 0;
    let timer: NodeJS.Timeout | undefined;
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      for (const socket of under) socket.destroy();
    };
    const aborted = () => {
      end();
      fail(signal.reason);
    };
    const attempt = () => {
      clearTimeout(timer);
      const address = addresses[next++]!;
      const socket = open(address, port);
      under.add(socket);
      socket.once('connect', () => {
        under.delete(socket);
        socket.removeAllListeners('error');
        end();
        done(socket);
      });
      socket.on('error', (error) => {
        under.delete(socket);
        reasons.push(errorMessage(error));
        if (next < addresses.length) attempt();
        else if (under.size === 0) {
          end();
          fail(new Error(reasons.join('; ')));
        }
      });
      if (next < addresses.length) timer = setTimeout(attempt, addresses[next] === distrusted ? DISTRUST : HEAD_START);
    };
    signal.addEventListener('abort', aborted, { once: true });
    attempt();
  });
}

/** getaddrinfo(3)'s order with the families in turn, so a family that leads nowhere costs one attempt only. */
async function resolve(host: string): Promise<string[]> {
  const name = bareHost(host);
  if (isIP(name) !== 0) return [name];
  const found = await new Promise<{ address: string; family: number }[]>((done, fail) =>
    lookUp(name, { all: true }, (error, addresses) => (error === null ? done(addresses) : fail(error))),
  );
  const first = found.filter(({ family }) => family === found[0]?.family);
  const second = found.filter(({ family }) => family !== found[0]?.family);
  return Array.from({ length: Math.max(first.length, second.length) }, (_, n) => [first[n], second[n]])
    .flat()
    .flatMap((one) => (one === undefined ? [] : [one.address]));
}
