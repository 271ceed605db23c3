/** Which program changed an object of the kernel last, from the kernel's own messages about the changes. */
import { commOf, nullIfGone } from '../process/proc.ts';

/** Milliseconds for which the last program that touched an object counts as the cause of its drift. */
const REMEMBERED = 10_000;
const MOST_REMEMBERED = 64;
/** nlmsg_pid of struct nlmsghdr: the port of the socket that asked for the change. */
const PORT = 12;

export class LastTouches {
  readonly #touched = new Map<string, { by: string; at: number }>();

  /** The port of the changing socket is usually the number of its process; 0 means the kernel itself. */
  remember(key: string, message: Buffer): void {
    const port = message.readUInt32LE(PORT);
    if (port === 0) return;
    const name = commandOf(port);
    const by = name === null ? `the process of netlink port ${port}` : `${name}[${port}]`;
    if (this.#touched.size >= MOST_REMEMBERED) this.#touched.delete(this.#touched.keys().next().value!);
    this.#touched.set(key, { by, at: performance.now() });
  }

  /** The program that touched the object of this key a moment ago; null if none did. */
  by(key: string): string | null {
    const touched = this.#touched.get(key);
    return touched !== undefined && performance.now() - touched.at < REMEMBERED ? touched.by : null;
  }
}

function commandOf(pid: number): string | null {
  if (pid === process.pid) return null;
  return nullIfGone(() => commOf(pid))?.replace(/[^\x21-\x7e]/g, '') ?? null;
}
