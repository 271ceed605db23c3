/** Conversations with the kernel over a netlink socket (netlink(7)): a datagram goes out, answers come in. */
import { getSystemErrorName } from 'node:util';
import type { RawNetlinkSocket, RawNetlinkSocketOptions } from 'netlink/dist/raw.js';
import { align, HEADER, MESSAGE } from './message.ts';

const NETLINK_ROUTE = 0;
/** Bytes of one receive. The kernel fills the datagrams of a dump up to what was last received with, 32 KiB at most. */
const RECEIVE = 32 * 1024;

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

export class NetlinkSocket implements Disposable {
  readonly #raw: RawNetlinkSocket;
  #closed = false;
  /** Of the conversation that goes on; what comes when there is none is nobody's. */
  #receive: ((data: Buffer) => void) | null = null;
  #fail: ((error: Error) => void) | null = null;

  private constructor(raw: RawNetlinkSocket) {
    this.#raw = raw;
    raw.unref();
    raw.on('message', (data, { port }) => {
      // Port 0 is the kernel.
      if (port === 0) this.#receive?.(data);
      (data.buffer as ArrayBuffer).transfer(0);
    });
    raw.on('truncatedMessage', () => this.#fail?.(new NetlinkError('EMSGSIZE', 'the kernel’s answer was cut off')));
    raw.on('error', ({ code, message }) => this.#fail?.(new NetlinkError(code, `netlink: ${message}`)));
  }

  static async open(): Promise<NetlinkSocket> {
    // Only now: where the native part cannot be loaded, only what needs it fails.
    const { RawNetlinkSocket } = await import('./native.ts');
    const options = { messagePeeking: false, msgBufferSize: RECEIVE, localPort: 0 } as RawNetlinkSocketOptions;
    return new NetlinkSocket(new RawNetlinkSocket(NETLINK_ROUTE, options));
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Sends one datagram, which may hold several messages, and hands on what the kernel answers until `take` has enough. The
   * buffers must not be kept: their memory is given back at once, since 1,000,000 routes are 40 MB of answers that would
   * wait for the collector. One conversation at a time; one that fails closes the socket, and so must who ends it before
   * the kernel did. Throws NetlinkError (also for what was lost or cut off: nobody may count the rest), what `take`
   * throws, and the signal's reason.
   */
  async converse(datagram: Buffer, take: Take, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    this.#fail = reject;
    this.#receive = (data) => {
      try {
        if (!eachMessage(data, take)) return;
        resolve();
      } catch (error) {
        reject(error);
      }
      this.#receive = null;
    };
    this.#raw.ref();
    try {
      this.#raw.send(datagram);
      await promise;
      this.#raw.unref();
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    } finally {
      this.#receive = null;
      this.#fail = null;
      signal.removeEventListener('abort', abort);
    }
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    // Not at once: inside of the socket's own callback, closing would free what it still uses.
    setImmediate(() => this.#raw.close());
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
