/** Conversations with the kernel over a netlink socket (netlink(7)): a datagram goes out, answers come in. */
import { readSync, writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { getSystemErrorName } from 'node:util';
import { errorCode, errorMessage } from '../errors.ts';
import { endUnlessRoom, isRecording, notByLooks, noteLook } from '../recorded-looks.ts';
import { monotonicNow } from '../steady-clock.ts';
import { lastingParts } from './lasting-parts.ts';
import { align, FAMILY, FLAG, MESSAGE, NETLINK_HEADER } from './message-layout.ts';
import type { Descriptor } from './native.ts';

const NETLINK_ROUTE = 0;
/**
 * Bytes of one receive. The kernel fills the datagrams of a dump up to the size of the last receive, 32 KiB at most.
 */
const answer = Buffer.alloc(32 * 1024);
/**
 * Milliseconds for which the event loop may stand still while the kernel answers: 1,000,000 routes take some hundred.
 */
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

/**
 * Takes the message whose header is at `at` and whose body ends before `end`. Returns true if the conversation is over.
 */
export type Take = (data: Buffer, at: number, end: number) => boolean;

/**
 * The kernel carries out a request within the system call that sends it (rtnetlink_rcv). It lists the next part of a
 * dump within the call that receives the previous part (netlink_recvmsg). An answer is therefore always ready, and no
 * call has to wait.
 */
export class NetlinkSocket implements Disposable {
  readonly #socket: Descriptor;
  readonly #protocol: number;
  #closed = false;

  private constructor(socket: Descriptor, protocol: number) {
    this.#socket = socket;
    this.#protocol = protocol;
  }

  /** `protocol`: a number of linux/netlink.h. */
  static async open(protocol: number = NETLINK_ROUTE): Promise<NetlinkSocket> {
    // Imported only here: if the native part cannot be loaded, only the code that needs it fails.
    const { openNetlink } = await import('./native.ts');
    return new NetlinkSocket(openNetlink(protocol), protocol);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Sends one datagram, which may hold several messages, and passes on the kernel's answers until `take` has enough. Do
   * not keep the buffers: all answers use the same buffer. Other work runs between the parts of a long answer. Only one
   * conversation at a time is possible. A failed conversation closes the socket, and a caller who stops before the
   * kernel's end must close it too. Throws NetlinkError, the error of `take`, and the signal's reason. Lost or
   * truncated messages also throw, so that no caller takes a part for the whole.
   */
  async converse(datagram: Buffer, take: Take, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (isRecording()) return this.#recorded(datagram, take, signal);
    return this.#converse(datagram, take, signal);
  }

  /**
   * A conversation that does not end as it should has no answer, and a change is no look. The answer is gathered only while
   * it may be recorded: a dump of 300,000 routes would take 100 MB.
   */
  async #recorded(datagram: Buffer, take: Take, signal: AbortSignal): Promise<void> {
    const answers: string[] = [];
    let length = 0;
    const heard = (data: Buffer, at: number, end: number) => {
      if (isRecording()) {
        const text = lastingParts(data, at, end).toString('base64');
        answers.push(text);
        length += text.length;
        endUnlessRoom(length);
      }
      return take(data, at, end);
    };
    if (eachMessage(datagram, mayChange)) notByLooks();
    try {
      await this.#converse(datagram, heard, signal);
    } catch (error) {
      notByLooks();
      throw error;
    }
    noteLook('netlink', `${this.#protocol} ${datagram.toString('base64')}`, answers.join(' '));
  }

  async #converse(datagram: Buffer, take: Take, signal: AbortSignal): Promise<void> {
    const { fd } = this.#socket;
    try {
      asked('ask', () => writeSync(fd, datagram));
      for (let since = monotonicNow(); ; ) {
        const length = asked('hear', () => readSync(fd, answer));
        if (eachMessage(answer.subarray(0, length), take)) return;
        if (monotonicNow() - since < TURN) continue;
        await setImmediate();
        signal.throwIfAborted();
        since = monotonicNow();
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

/**
 * Whether the request may change anything. Every change asks for an acknowledgement. One request does so to ask: an IPv4
 * route that may neither be created nor replace another (routes/route-table.ts).
 */
function mayChange(data: Buffer, at: number): boolean {
  const flags = data.readUInt16LE(at + 6);
  if ((flags & FLAG.ack) === 0) return false;
  const isIPv4 = data[at + NETLINK_HEADER] === FAMILY.ipv4;
  return data.readUInt16LE(at + 4) !== MESSAGE.newRoute || !isIPv4 || (flags & (FLAG.create | FLAG.replace)) !== 0;
}

/** EAGAIN means that there is no answer, and that none will come. */
function asked(deed: string, call: () => number): number {
  try {
    return call();
  } catch (error) {
    throw new NetlinkError(errorCode(error) ?? 'UNKNOWN', `netlink: cannot ${deed} the kernel: ${errorMessage(error)}`);
  }
}

/** Walks the messages of a datagram. Throws NetlinkError if its lengths contradict each other. */
export function eachMessage(data: Buffer, take: Take): boolean {
  for (let at = 0; at < data.length; ) {
    const length = at + NETLINK_HEADER <= data.length ? data.readUInt32LE(at) : 0;
    if (length < NETLINK_HEADER || at + length > data.length)
      throw new NetlinkError('EBADMSG', 'the kernel’s answer is damaged');
    if (data.readUInt16LE(at + 4) === MESSAGE.overrun) throw new NetlinkError('ENOBUFS', 'netlink lost messages');
    if (take(data, at, at + length)) return true;
    at += align(length);
  }
  return false;
}

/** The error number, positive, of an answer of type `error` or `done`; 0 if there is no error. */
export function errorNumber(data: Buffer, at: number, end: number): number {
  return at + NETLINK_HEADER + 4 <= end ? -data.readInt32LE(at + NETLINK_HEADER) : 0;
}

export function kernelError(errno: number, asked: string): NetlinkError {
  const code = getSystemErrorName(-errno);
  return new NetlinkError(code, `${asked}: the kernel answered ${code}`);
}
