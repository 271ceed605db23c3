/** Changes: messages that the kernel carries out one by one and acknowledges. */
import { FLAG, MESSAGE, message } from './message-layout.ts';
import { errorNumber, type NetlinkSocket } from './socket.ts';

export interface RouteChange {
  readonly type: number;
  readonly flags: number;
  readonly body: readonly Buffer[];
}

/**
 * Sends all changes in one datagram. The kernel carries out every change within that one system call, so a death of
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
