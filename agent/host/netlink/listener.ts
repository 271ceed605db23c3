/**
 * A socket that hears the kernel's own reports (multicast groups of netlink(7)). The event loop reads the socket as a
 * stream, one datagram at a time, and registers it with epoll once. (The addon's own watcher ends the process when
 * messages are lost: for the kernel's ENOBUFS it throws at a place where nothing can catch the error.)
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { message } from './message-layout.ts';
import { type Descriptor, openNetlink } from './native.ts';

const NLMSG_NOOP = 1;

/**
 * Node's handle of a stream on any descriptor. net.Socket makes such a handle only for kinds of descriptors that it
 * knows.
 */
interface PipeHandle {
  open(fd: number): number;
  close(): void;
}
interface PipeBinding {
  readonly Pipe: new (type: number) => PipeHandle;
  readonly constants: { readonly SOCKET: number };
}

export interface NetlinkListening {
  close(): void;
}

/**
 * `onMessage` gets each datagram; do not keep the buffer. `onEnd` is called once when listening has ended: messages
 * were lost (ENOBUFS), or the kernel closed the socket. The listener does not keep the process alive. Throws if the
 * socket cannot be made.
 */
export function listen(
  protocol: number,
  groups: readonly number[],
  onMessage: (data: Buffer) => void,
  onEnd: () => void,
): NetlinkListening {
  const descriptor = openNetlink(protocol);
  let stream: Socket;
  try {
    // The first message sent gives the socket an address. Without an address, it would hear only answers to requests.
    writeSync(descriptor.fd, message(NLMSG_NOOP, 0, 0));
    for (const group of groups) descriptor.join(group);
    stream = streamOf(descriptor.fd);
  } catch (error) {
    descriptor.close();
    throw error;
  }
  let closed = false;
  const close = () => {
    if (closed) return;
    closed = true;
    stream.destroy();
    forget(descriptor);
  };
  const end = () => {
    if (closed) return;
    close();
    onEnd();
  };
  stream.on('data', onMessage).on('error', end).on('end', end).unref();
  return { close };
}

function streamOf(fd: number): Socket {
  const { binding } = process as unknown as { binding(name: 'pipe_wrap'): PipeBinding };
  const { Pipe, constants } = binding.call(process, 'pipe_wrap');
  const handle = new Pipe(constants.SOCKET);
  const errno = handle.open(fd);
  if (errno !== 0) throw new Error(`a netlink socket cannot be read as a stream (${errno})`);
  return new Socket({ handle, readable: true, writable: false } as object);
}

/**
 * The stream has closed the descriptor. The addon would close the same number once more, which may belong to another
 * part by then. It therefore gets an unused descriptor to close. If that has another number, the addon closes nothing,
 * and keeps a kilobyte.
 */
function forget(descriptor: Descriptor): void {
  const nobodys = openSync('/dev/null', 'r');
  if (nobodys === descriptor.fd) descriptor.close();
  else closeSync(nobodys);
}
