/**
 * Netlink sockets, which node cannot make by itself: the one module that needs native code, apart from the rest so that
 * only who talks to the kernel loads it. Of the package `netlink` only the making of the socket is used. What it does
 * beyond, through the event loop, registers the socket with epoll again after each message: that takes kernel memory,
 * and where it is refused libuv aborts the process (uv__io_poll), in the very moment that the canary is there to tell of.
 * A socket that only listens is registered once, when it is made: there the event loop is used.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { RawNetlinkSocket } from 'netlink/dist/raw.js';

export interface Descriptor {
  readonly fd: number;
  close(): void;
}

/** The addon's class. Before `bind` it is only a socket that does not block: neither bound nor watched. */
type Native = new (
  protocol: number,
  buffer: number,
  onMessage: (data: Buffer) => void,
  onError: (error: Error) => void,
) => {
  bind(port: number, groups: number): void;
  addMembership(group: number): void;
  dropMembership(group: number): void;
  unref(): void;
  close(): void;
};

export interface Listener {
  join(group: number): void;
  leave(group: number): void;
  close(): void;
}

/**
 * A socket that hears multicast groups (netlink(7)), of each datagram its first `size` bytes. It does not keep the process
 * alive. `onError`: ENOBUFS, messages were lost. Throws what the kernel says.
 */
export function openListener(
  protocol: number,
  size: number,
  onMessage: (data: Buffer) => void,
  onError: (error: Error) => void,
): Listener {
  native ??= addonClass(protocol);
  const socket = new native(protocol, size, onMessage, onError);
  try {
    socket.bind(0, 0);
    socket.unref();
  } catch (error) {
    socket.close();
    throw error;
  }
  return {
    join: (group) => socket.addMembership(group),
    leave: (group) => socket.dropMembership(group),
    close: () => socket.close(),
  };
}

const TRIES = 10;
let native: Native | undefined;

/** Throws what socket(2) says. */
export function openNetlink(protocol: number): Descriptor {
  native ??= addonClass(protocol);
  for (let tries = 1; ; tries += 1) {
    const before = openSockets();
    const socket = new native(
      protocol,
      0,
      () => {},
      () => {},
    );
    // Ours is new in any case; whatever else is can only be another thread's, looking up a name.
    const fresh = [...openSockets()].filter(([fd, inode]) => before.get(fd) !== inode);
    if (fresh.length === 1) return { fd: fresh[0]![0], close: () => socket.close() };
    socket.close();
    if (tries === TRIES)
      throw new Error('the descriptor of a netlink socket cannot be told from others (/proc/self/fd)');
  }
}

/** It is not exported, but every socket of the package is made around one. */
function addonClass(protocol: number): Native {
  const socket = new RawNetlinkSocket(protocol, { localPort: 0 } as never) as unknown as {
    readonly __native: { readonly constructor: Native };
    close(): void;
  };
  socket.close();
  return socket.__native.constructor;
}

/** By descriptor, with the inode of each. */
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
    return null; // the one that the folder was read by, or another thread's, closed meanwhile
  }
}
