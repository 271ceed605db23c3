/**
 * Netlink sockets, which node cannot make by itself: the one module that needs native code, apart from the rest so that
 * only who talks to the kernel loads it. Of the package `netlink` only the making of the socket is used. What it does
 * beyond, through the event loop, registers the socket with epoll again after each message: that takes kernel memory,
 * and where it is refused libuv aborts the process (uv__io_poll), in the very moment that the canary is there to tell of.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { RawNetlinkSocket } from 'netlink/dist/raw.js';

export interface Descriptor {
  readonly fd: number;
  /** Hears a multicast group (netlink(7)) from now on. Throws what the kernel says. */
  join(group: number): void;
  close(): void;
}

/** The addon's class, which only makes a socket: not bound, not watched, not blocking. */
type Native = new (
  protocol: number,
  buffer: number,
  onMessage: () => void,
  onError: () => void,
) => { addMembership(group: number): void; close(): void };

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
    if (fresh.length === 1) {
      return { fd: fresh[0]![0], join: (group) => socket.addMembership(group), close: () => socket.close() };
    }
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
