/**
 * A socket that hears what the kernel tells of its own accord (multicast groups of netlink(7)). The event loop reads it as a
 * stream, one datagram at a time, and is registered with epoll once. (The addon's own watcher ends the process when
 * messages are lost: it takes the kernel's ENOBUFS for a reason to throw where nothing can catch it.)
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { message } from './message.ts';
import { type Descriptor, openNetlink } from './native.ts';

const NLMSG_NOOP = 1;

/** Node's handle of a stream on any descriptor: what net.Socket makes by itself of those whose kind it knows. */
interface PipeHandle {
  open(fd: number): number;
  close(): void;
}
interface PipeBinding {
  readonly Pipe: new (type: number) => PipeHandle;
  readonly constants: { readonly SOCKET: number };
}

export interface Listening {
  close(): void;
}

/**
 * `onMessage` gets each datagram; the buffer must not be kept. `onEnd` is called once when it hears no more: messages were
 * lost (ENOBUFS), or the kernel closed it. It does not keep the process alive. Throws where there can be none.
 */
export function listen(
  protocol: number,
  groups: readonly number[],
  onMessage: (data: Buffer) => void,
  onEnd: () => void,
): Listening {
  const descriptor = openNetlink(protocol);
  let stream: Socket;
  try {
    // What is sent first gives it an address. Without one it would not hear what no process has asked for.
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
 * The stream has closed the descriptor, and the addon would close it once more, which may be somebody else's by then. So
 * it gets one of nobody's to close, or, where that has another number, none: it then keeps a kilobyte.
 */
function forget(descriptor: Descriptor): void {
  const nobodys = openSync('/dev/null', 'r');
  if (nobodys === descriptor.fd) descriptor.close();
  else closeSync(nobodys);
}
