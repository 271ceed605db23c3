/**
 * Questions to a daemon over its control socket (unix(7)). A daemon that hangs, never ends its answer or closes the
 * connection costs a bounded time and memory, and its fault is named.
 */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { errorCode, errorMessage } from '../errors.ts';

/** The daemon's fault. The message begins with the path of the socket. */
export class ControlSocketError extends Error {
  readonly code: 'closed' | 'denied' | 'refused' | 'rubbish' | 'silent' | 'too-long';

  constructor(code: ControlSocketError['code'], message: string) {
    super(message);
    this.name = 'ControlSocketError';
    this.code = code;
  }
}

export interface ControlSocketLimits {
  /** Milliseconds for everything that is asked over one connection. */
  readonly time: number;
  /** Bytes of all answers over one connection. */
  readonly bytes: number;
}

/** Takes a part of the answer. Returns true at its end. Do not keep the buffer. */
export type TakePart = (part: Buffer) => boolean;

export class ControlSocket implements Disposable {
  readonly #path: string;
  readonly #socket: Socket;
  readonly #parts: AsyncIterator<Buffer>;
  readonly #limits: ControlSocketLimits;
  readonly #timer: NodeJS.Timeout;
  #bytes = 0;

  private constructor(path: string, socket: Socket, limits: ControlSocketLimits, timer: NodeJS.Timeout) {
    this.#path = path;
    this.#socket = socket;
    this.#parts = socket[Symbol.asyncIterator]();
    this.#limits = limits;
    this.#timer = timer;
  }

  /**
   * Returns null if there is no socket, or no process that listens: the daemon does not run. Throws ControlSocketError, and
   * the signal's reason.
   */
  static async open(path: string, limits: ControlSocketLimits, signal: AbortSignal): Promise<ControlSocket | null> {
    signal.throwIfAborted();
    const socket = createConnection({ path, signal });
    const late = `${path}: no answer within ${limits.time / 1000} s`;
    const timer = setTimeout(() => socket.destroy(new ControlSocketError('silent', late)), limits.time);
    try {
      await once(socket, 'connect');
    } catch (error) {
      clearTimeout(timer);
      signal.throwIfAborted();
      const code = errorCode(error) ?? '';
      if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR') return null;
      if (error instanceof ControlSocketError) throw error;
      const hint =
        code === 'EACCES'
          ? '; if the daemon was installed after Holdfast was started: systemctl daemon-reload && systemctl restart holdfast'
          : '';
      throw new ControlSocketError('denied', `${path}: cannot connect: ${errorMessage(error)}${hint}`);
    }
    // An error between two answers is thrown by the next question.
    socket.on('error', () => {});
    return new ControlSocket(path, socket, limits, timer);
  }

  /** Sends the question, if there is one, and reads until `take` has the whole answer. Throws ControlSocketError. */
  async ask(question: Buffer | null, take: TakePart): Promise<void> {
    if (question !== null) this.#socket.write(question);
    for (;;) {
      const part = await this.#next();
      this.#bytes += part.length;
      if (this.#bytes > this.#limits.bytes) {
        const most = Math.round(this.#limits.bytes / 2 ** 20);
        throw this.fault('too-long', `the answer is longer than ${most} MiB`);
      }
      if (take(part)) return;
    }
  }

  fault(code: ControlSocketError['code'], problem: string): ControlSocketError {
    return new ControlSocketError(code, `${this.#path}: ${problem}`);
  }

  async #next(): Promise<Buffer> {
    try {
      const { done, value } = await this.#parts.next();
      if (done !== true) return value;
    } catch (error) {
      if (error instanceof ControlSocketError || errorCode(error) === 'ABORT_ERR') throw error;
      throw this.fault('closed', `the connection broke: ${errorMessage(error)}`);
    }
    throw this.fault('closed', 'the daemon closed the connection before the end of its answer');
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#socket.destroy();
  }
}
