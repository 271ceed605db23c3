/**
 * Netlink sockets, which node cannot make by itself. This is the only module that needs native code; it is separate, so
 * that only code that talks to the kernel loads it. We use only the making of the socket from the package `netlink`.
 * The package's own reading registers the socket with epoll again after each message, which takes kernel memory. If the
 * kernel refuses that memory, libuv aborts the process (uv__io_poll), at the very moment that the canary must report.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { RawNetlinkSocket } from 'netlink/dist/raw.js';

export interface Descriptor {
  readonly fd: number;
  /** Hears a multicast group (netlink(7)) from now on. Throws the kernel's error. */
  join(group: number): void;
  close(): void;
}

/** The addon's class, used only to make a socket: not bound, not watched, not blocking. */
type Native = new (
  protocol: number,
  buffer: number,
  onMessage: () => void,
  onError: () => void,
) => { addMembership(group: number): void; close(): void };

const TRIES = 10;
let native: Native | undefined;
/** The process's sockets at the last look. A socket that is not among them is ours, if no other thread made one since. */
let known: ReadonlyMap<number, string> = new Map();

/** Throws the error of socket(2). */
export function openNetlink(protocol: number): Descriptor {
  native ??= addonClass(protocol);
  for (let tries = 1; ; tries += 1) {
    const socket = new native(
      protocol,
      0,
      () => {},
      () => {},
    );
    // Our socket is certainly new. Any other new socket is older than the last look, or belongs to a thread that looks up a
    // name; the next try knows it.
    const before = known;
    known = openSockets();
    const fresh = [...known].filter(([fd, inode]) => before.get(fd) !== inode);
    if (fresh.length === 1) {
      return { fd: fresh[0]![0], join: (group) => socket.addMembership(group), close: () => socket.close() };
    }
    socket.close();
    if (tries === TRIES)
      throw new Error('the descriptor of a netlink socket cannot be told from others (/proc/self/fd)');
  }
}

/** The class is not exported, but every socket of the package is made around an instance of it. */
function addonClass(protocol: number): Native {
  const socket = new RawNetlinkSocket(protocol, { localPort: 0 } as never) as unknown as {
    readonly __native: { readonly constructor: Native };
    close(): void;
  };
  socket.close();
  return socket.__native.constructor;
}

/** The open sockets by descriptor, with the inode of each. */
function openSockets(): Map<number, string> {
  return new Map(
    readdirSync('/proc/self/fd').flatMap((fd): [number, string][] => {
      const target = linkOf(fd);
      return target?.startsWith('socket:') ? [[Number(fd), target]] : [];
    }),
  );
}

function linkOf(fd: string): string | null {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return null; // the descriptor that read the folder, or another thread's, closed meanwhile
  }
}
