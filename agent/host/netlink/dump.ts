/** Dumps: all objects of a kind that the kernel holds, as one consistent list (netlink(7), NLM_F_DUMP). */
import { setTimeout as wait } from 'node:timers/promises';
import { optimise } from '../service/v8.ts';
import { FLAG, MESSAGE, message } from './message-layout.ts';
import { errorNumber, kernelError, NetlinkError, type NetlinkSocket } from './socket.ts';

const SEQUENCE = 1;
const TRIES = 5;
/** Milliseconds before the next try, times the tries so far, so that the present changes of the table can finish. */
const PAUSE = 20;

/**
 * From this number of objects on, V8's optimisation of the reading code pays: unoptimised code takes three times as
 * long.
 */
const MANY = 20_000;

/** Gathers one dump; a dump that is tried again begins with a new one. */
export interface Gatherer<T> {
  /**
   * Takes the object whose message begins (header first) at `at` and ends before `end`. Returns true if the rest is not
   * needed.
   */
  take(data: Buffer, at: number, end: number): boolean;
  result(): T;
}

/**
 * Asks for all objects. `get` and `gives` are types of messages, `body` the request's own header and attributes. A dump
 * that a change interrupted is tried again. Throws NetlinkError rather than return a part of the list.
 */
export async function dump<T>(
  socket: NetlinkSocket,
  { get, gives, body }: { get: number; gives: number; body: Buffer },
  gather: () => Gatherer<T>,
  signal: AbortSignal,
): Promise<T> {
  const request = message(get, FLAG.dump, SEQUENCE, body);
  for (let tries = 1; ; tries += 1) {
    const gatherer = gather();
    const reader = new DumpReader(gives, gatherer);
    await socket.converse(request, (data, at, end) => reader.take(data, at, end), signal);
    if (!reader.interrupted) return gatherer.result();
    if (tries === TRIES) throw new NetlinkError('EINTR', `the table changed during each of ${TRIES} dumps`);
    await wait(PAUSE * tries, undefined, { signal });
  }
}

/** The rules of a dump's answers, without the socket. */
export class DumpReader {
  /** The objects changed during the dump: some may be missing, or occur twice. */
  interrupted = false;
  readonly #gives: number;
  readonly #gatherer: Gatherer<unknown>;
  #objects = 0;

  constructor(gives: number, gatherer: Gatherer<unknown>) {
    this.#gives = gives;
    this.#gatherer = gatherer;
  }

  /** Returns true at the end of the dump. Throws NetlinkError for a dump that the kernel gave up. */
  take(data: Buffer, at: number, end: number): boolean {
    if (data.readUInt32LE(at + 8) !== SEQUENCE) return false;
    const type = data.readUInt16LE(at + 4);
    if ((data.readUInt16LE(at + 6) & FLAG.dumpInterrupted) !== 0) this.interrupted = true;
    if (type === this.#gives) {
      // Apart from this, the daemon runs without V8's optimisation.
      if (++this.#objects === MANY) optimise();
      return this.#gatherer.take(data, at, end);
    }
    if (type !== MESSAGE.done && type !== MESSAGE.error) return false;
    const errno = errorNumber(data, at, end);
    if (errno > 0) throw kernelError(errno, 'netlink dump');
    return true;
  }
}
