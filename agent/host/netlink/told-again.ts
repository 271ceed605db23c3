/** Whether the kernel still says the same in recorded conversations (../recorded-looks.ts). */
import { type Look, recordedAnswer } from '../recorded-looks.ts';
import { FLAG, MESSAGE } from './message-layout.ts';
import { NetlinkSocket } from './socket.ts';

/** Milliseconds. The kernel answers within its system calls. */
const TIME = 5_000;

/** Looks again until an answer differs. Looks are being recorded meanwhile. */
export async function isToldSame(looks: readonly Look[]): Promise<boolean> {
  const sockets = new Map<number, NetlinkSocket>();
  const signal = AbortSignal.timeout(TIME);
  try {
    for (const [kind, about, answer] of looks) {
      const [protocol = '', question = ''] = about.split(' ');
      const socket = sockets.get(Number(protocol)) ?? (await NetlinkSocket.open(Number(protocol)));
      sockets.set(Number(protocol), socket);
      const answers = answer.split(' ');
      let isOver = false;
      let left = answers.length;
      const take = (data: Buffer, at: number) => {
        left -= 1;
        isOver = (data.readUInt16LE(at + 6) & FLAG.multi) === 0 || data.readUInt16LE(at + 4) === MESSAGE.done;
        return left === 0;
      };
      await socket.converse(Buffer.from(question, 'base64'), take, signal);
      if (recordedAnswer(kind, about) !== answer) return false;
      // The rest of an answer that nobody wanted would be taken for the next answer.
      if (!isOver) drop(Number(protocol));
    }
    return true;
  } catch {
    return false;
  } finally {
    for (const protocol of sockets.keys()) drop(protocol);
  }

  function drop(protocol: number): void {
    sockets.get(protocol)?.[Symbol.dispose]();
    sockets.delete(protocol);
  }
}
