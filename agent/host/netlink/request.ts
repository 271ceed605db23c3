/** Changes: messages that the kernel carries out one by one and acknowledges. */
import { getSystemErrorName } from 'node:util';
import { FLAG, MESSAGE, message } from './message-layout.ts';
import { errorNumber, type NetlinkSocket } from './socket.ts';

export interface RouteChange {
  readonly type: number;
  readonly flags: number;
  readonly body: readonly Buffer[];
}

/**
 * The most changes of one datagram. The socket's buffer must hold all answers to it, a kilobyte for each, and has 208 kB
 * unless net.core.rmem_default was changed.
 */
const AT_ONCE = 64;

/**
 * Asks for one change of each item, 64 in a datagram. Returns the error number of each, 0 for success. The messages are made
 * a datagram at a time: as many as a thousand at once would outlive V8's young generation.
 */
export async function changeEach<T>(
  socket: NetlinkSocket,
  items: readonly T[],
  changeOf: (item: T) => RouteChange,
  signal: AbortSignal,
): Promise<number[]> {
  const found: number[] = [];
  for (let from = 0; from < items.length; from += AT_ONCE) {
    found.push(...(await change(socket, items.slice(from, from + AT_ONCE).map(changeOf), signal)));
  }
  return found;
}

/**
 * Sends a few changes in one datagram. The kernel carries out every change within that one system call, so a death of
 * this process cannot come between them. A failed change does not keep the kernel from trying the next. Returns the
 * error number of each, 0 for success.
 */
export async function change(
  socket: NetlinkSocket,
  changes: readonly RouteChange[],
  signal: AbortSignal,
): Promise<number[]> {
  const datagram = changes.map(({ type, flags, body }, index) => message(type, flags | FLAG.ack, index, ...body));
  const answers = new Map<number, number>();
  const take = (data: Buffer, at: number, end: number): boolean => {
    if (data.readUInt16LE(at + 4) === MESSAGE.error) answers.set(data.readUInt32LE(at + 8), errorNumber(data, at, end));
    return answers.size === changes.length;
  };
  await socket.converse(Buffer.concat(datagram), take, signal);
  return changes.map((_, index) => answers.get(index)!);
}

/** The name of the kernel's error number (`ENETUNREACH`); null if there is no error. */
export function refusalName(errno: number): string | null {
  return errno === 0 ? null : getSystemErrorName(-errno);
}
