/** Dumps: every object of a kind that the kernel holds, as one consistent list (netlink(7), NLM_F_DUMP). */
import { setTimeout as wait } from 'node:timers/promises';
import { optimise } from '../service/v8.ts';
import { FLAG, MESSAGE, message } from './message.ts';
import { errorNumber, kernelError, NetlinkError, type NetlinkSocket } from './socket.ts';

const SEQUENCE = 1;
const TRIES = 5;
/** Milliseconds before the next try, times the tries so far: what changes the table now is given time to finish. */
const PAUSE = 20;

/** Objects from which on it pays that V8 optimises what reads them: unoptimised it takes three times as long as optimised. */
const MANY = 20_000;

/** Gathers one dump; a dump that is tried again begins with a new one. */
export interface Gatherer<T> {
  /** The object whose message begins (header first) at `at` and ends before `end`. True: there is no need for the rest. */
  take(data: Buffer, at: number, end: number): boolean;
  result(): T;
}

/**
 * Asks for all objects. `get` and `gives` are types of messages, `body` the request's own header and attributes. A dump
 * that a change interrupted is tried again. Throws NetlinkError rather than give a part of the list.
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

/** The rules of a dump's answers, apart from the socket that they come from. */
export class DumpReader {
  /** The objects changed meanwhile: some may be missing, or there twice. */
  interrupted = false;
  readonly #gives: number;
  readonly #gatherer: Gatherer<unknown>;
  #objects = 0;

  constructor(gives: number, gatherer: Gatherer<unknown>) {
    this.#gives = gives;
    this.#gatherer = gatherer;
  }

  /** True: that was the end. Throws NetlinkError for a dump that the kernel gave up. */
  take(data: Buffer, at: number, end: number): boolean {
    if (data.readUInt32LE(at + 8) !== SEQUENCE) return false;
    const type = data.readUInt16LE(at + 4);
    if ((data.readUInt16LE(at + 6) & FLAG.dumpInterrupted) !== 0) this.interrupted = true;
    if (type === this.#gives) {
      // The daemon does without otherwise.
      if (++this.#objects === MANY) optimise();
      return this.#gatherer.take(data, at, end);
    }
    if (type !== MESSAGE.done && type !== MESSAGE.error) return false;
    const errno = errorNumber(data, at, end);
    if (errno > 0) throw kernelError(errno, 'netlink dump');
    return true;
  }
}
