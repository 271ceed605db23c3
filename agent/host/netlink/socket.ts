/** Conversations with the kernel over a netlink socket (netlink(7)): a datagram goes out, answers come in. */
import { readSync, writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { getSystemErrorName } from 'node:util';
import { errorCode, errorMessage } from '../errors.ts';
import { align, HEADER, MESSAGE } from './message.ts';
import type { Descriptor } from './native.ts';

const NETLINK_ROUTE = 0;
/** Bytes of one receive. The kernel fills the datagrams of a dump up to what was last received with, 32 KiB at most. */
const answer = Buffer.alloc(32 * 1024);
/** Milliseconds for which the event loop may stand still while the kernel answers: 1,000,000 routes take some hundred. */
const TURN = 10;

/** `code` is the name of the kernel's error number (`ENOMEM`), or says what was wrong with the answer itself. */
export class NetlinkError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'NetlinkError';
    this.code = code;
  }
}

/** Takes the message whose header is at `at` and whose body ends before `end`. True: the conversation is over. */
export type Take = (data: Buffer, at: number, end: number) => boolean;

/**
 * The kernel carries out what is asked within the system call that asks (rtnetlink_rcv), and lists the next part of a dump
 * within the one that receives the last (netlink_recvmsg): an answer is always there already, and nothing has to wait.
 */
export class NetlinkSocket implements Disposable {
  readonly #socket: Descriptor;
  #closed = false;

  private constructor(socket: Descriptor) {
    this.#socket = socket;
  }

  /** `protocol`: of linux/netlink.h. */
  static async open(protocol: number = NETLINK_ROUTE): Promise<NetlinkSocket> {
    // Only now: where the native part cannot be loaded, only what needs it fails.
    const { openNetlink } = await import('./native.ts');
    return new NetlinkSocket(openNetlink(protocol));
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Sends one datagram, which may hold several messages, and hands on what the kernel answers until `take` has enough. The
   * buffers must not be kept: all answers come in the same one. Between the parts of a long answer others get their turn.
   * One conversation at a time; one that fails closes the socket, and so must who ends it before the kernel did. Throws
   * NetlinkError (also for what was lost or cut off: nobody may count the rest), what `take` throws, and the signal's
   * reason.
   */
  async converse(datagram: Buffer, take: Take, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { fd } = this.#socket;
    try {
      asked('ask', () => writeSync(fd, datagram));
      for (let since = performance.now(); ; ) {
        const length = asked('hear', () => readSync(fd, answer));
        if (eachMessage(answer.subarray(0, length), take)) return;
        if (performance.now() - since < TURN) continue;
        await setImmediate();
        signal.throwIfAborted();
        since = performance.now();
      }
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }
}

/** EAGAIN: there is no answer, nor will there be one. */
function asked(deed: string, call: () => number): number {
  try {
    return call();
  } catch (error) {
    throw new NetlinkError(errorCode(error) ?? 'UNKNOWN', `netlink: cannot ${deed} the kernel: ${errorMessage(error)}`);
  }
}

/** Walks the messages of a datagram. Throws NetlinkError where its lengths contradict each other. */
export function eachMessage(data: Buffer, take: Take): boolean {
  for (let at = 0; at < data.length; ) {
    const length = at + HEADER <= data.length ? data.readUInt32LE(at) : 0;
    if (length < HEADER || at + length > data.length)
      throw new NetlinkError('EBADMSG', 'the kernel’s answer is damaged');
    if (data.readUInt16LE(at + 4) === MESSAGE.overrun) throw new NetlinkError('ENOBUFS', 'netlink lost messages');
    if (take(data, at, at + length)) return true;
    at += align(length);
  }
  return false;
}

/** The error number, positive, of an answer of type `error` or `done`; 0: none. */
export function errorNumber(data: Buffer, at: number, end: number): number {
  return at + HEADER + 4 <= end ? -data.readInt32LE(at + HEADER) : 0;
}

export function kernelError(errno: number, asked: string): NetlinkError {
  const code = getSystemErrorName(-errno);
  return new NetlinkError(code, `${asked}: the kernel answered ${code}`);
}
