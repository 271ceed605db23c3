/** Measures how near a name's addresses are, by the time of a TCP connection. No byte is sent over the connection. */
import { Resolver } from 'node:dns/promises';
import { connect } from 'node:net';
import type { IpAddress } from '../address/accepted.ts';
import { isDotted } from '../address/dotted.ts';
import type { Nearest } from '../config/desired.ts';
import { errorCode } from '../host/errors.ts';

export interface Measured {
  /** Milliseconds; null if the address does not answer. */
  readonly times: ReadonlyMap<IpAddress, number | null>;
  /** The addresses that the name has now. */
  readonly named: ReadonlySet<IpAddress>;
}

/** The most addresses of one name; ten fit into a sortlist. */
const MOST = 16;
/**
 * Milliseconds: for the look-up, for one connection (a lost SYN is sent again after 1 s, RFC 6298), and for all later
 * ones.
 */
const LOOK_UP_LIMIT = 8_000;
const CONNECT_LIMIT = 1_000;
const REPEAT_LIMIT = 10_000;
/** How often an address may fail to answer. */
const CHANCES = 3;

/**
 * Takes at most 21 s. First all addresses are tried at once, to see which answer. The answering ones are then measured
 * one by one, so that none waits for another. The quickest connection of each counts, because the delays of queues and
 * busy hosts come and go. `known`: addresses that are measured even if the name no longer has them. Throws an Error
 * with a sentence if nothing can be measured.
 */
export async function measure(
  { name, port, tries }: Nearest,
  known: readonly IpAddress[],
  signal: AbortSignal,
): Promise<Measured> {
  const named = await lookUp(name, signal);
  // Addresses in the present order come first, then the others, sorted, because servers rotate their answers.
  const addresses = [...new Set([...known, ...[...named].sort()])].slice(0, MOST);
  const times = new Map<IpAddress, number | null>(addresses.map((address) => [address, null]));
  const waiting = () => addresses.filter((address) => times.get(address) === null);
  for (let chance = 0; chance < CHANCES && waiting().length > 0; chance += 1) {
    await Promise.all(waiting().map(async (address) => times.set(address, await connectTime(address, port, signal))));
  }
  const answering = addresses.filter((address) => times.get(address) !== null);
  if (answering.length === 0) {
    const which = addresses.length === 1 ? addresses[0] : `none of its ${addresses.length} addresses`;
    throw new Error(`${which} ${addresses.length === 1 ? 'does not answer' : 'answers'} at port ${port}`);
  }
  const deadline = performance.now() + REPEAT_LIMIT;
  for (let n = 0; n < tries; n += 1) {
    for (const address of answering) {
      if (performance.now() > deadline || signal.aborted) break;
      const time = await connectTime(address, port, signal);
      if (time !== null) times.set(address, Math.min(time, times.get(address) ?? time));
    }
  }
  signal.throwIfAborted();
  return { times, named };
}

/**
 * The name's IPv4 addresses, from the present resolv.conf's name servers. libc's sortlist orders IPv4 addresses only.
 */
async function lookUp(name: string, signal: AbortSignal): Promise<Set<IpAddress>> {
  signal.throwIfAborted();
  // Each look-up needs a new resolver, because c-ares reads resolv.conf once and remembers answers.
  const resolver = new Resolver({ timeout: 1_500, tries: 2 });
  const cancel = () => resolver.cancel();
  const timer = setTimeout(cancel, LOOK_UP_LIMIT);
  signal.addEventListener('abort', cancel);
  try {
    const found = await resolver.resolve4(name);
    const usable = found.filter(isDotted).filter(isHost);
    if (usable.length === 0) throw new Error(`the look-up of ${name} returned no usable host address (${found[0]})`);
    return new Set(usable);
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    throw new Error(`the look-up of ${name} failed: ${REASONS[code] ?? code}`);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', cancel);
  }
}

/** Sentences for the error codes of c-ares. */
const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'there is no such name',
  ENODATA: 'the name has no IPv4 address',
  ETIMEOUT: 'no name server answered in time',
  ECANCELLED: 'no name server answered in time',
  ECONNREFUSED: 'no name server listens at the addresses in resolv.conf',
  ESERVFAIL: 'the name server fails to answer (SERVFAIL)',
  EREFUSED: 'the name server refuses to answer this host',
  EBADRESP: 'the answer of the name server is malformed',
};

/** Whether the address is neither "this host" nor multicast, reserved or broadcast (RFC 6890). */
function isHost(address: IpAddress): boolean {
  const first = Number(address.split('.')[0]);
  return first > 0 && first < 224;
}

/**
 * Milliseconds until the kernel has the connection; null if it is refused, unreachable or too slow. A reset connection
 * counts as a connection, because Node reports either the connection or its reset first, by chance.
 */
export function connectTime(host: string, port: number, signal: AbortSignal): Promise<number | null> {
  const { promise, resolve } = Promise.withResolvers<number | null>();
  if (signal.aborted) return Promise.resolve(null);
  const started = performance.now();
  const socket = connect({ host, port });
  const end = (time: number | null) => {
    clearTimeout(timer);
    signal.removeEventListener('abort', fail);
    socket.destroy();
    resolve(time);
  };
  const fail = () => end(null);
  const timer = setTimeout(fail, CONNECT_LIMIT);
  signal.addEventListener('abort', fail);
  const connected = () => end(Math.round((performance.now() - started) * 100) / 100);
  socket.once('connect', connected).on('error', (error) => {
    if (AFTER_CONNECT.includes(errorCode(error) ?? '')) connected();
    else fail();
  });
  return promise;
}

/** Whether an established connection was reset. A refused connection has ECONNREFUSED (tcp(7)). */
const AFTER_CONNECT = ['ECONNRESET', 'EPIPE'];
