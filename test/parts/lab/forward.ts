/**
 * A way to a port of a throw-away host, which has a network of its own: a socket in its file system, which this machine
 * can reach, leads there. As a program (inside the host): `node forward.ts SOCKET PORT`.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type NetConnectOpts } from 'node:net';
import type { LabHost } from './host.ts';

const SOCKET = '/run/lab/forward.sock';

/** Returns the port of this machine's loopback address that leads to the host's `port`. */
export async function forwardPort(host: LabHost, port: number): Promise<{ port: number; close(): void }> {
  const inside = host.spawn([process.execPath, import.meta.filename, SOCKET, String(port)]);
  while (!host.exists(SOCKET)) await new Promise((resolve) => setTimeout(resolve, 20));
  const outside = pipeServer({ path: host.path(SOCKET) });
  outside.listen(0, '127.0.0.1');
  await once(outside, 'listening');
  return {
    port: (outside.address() as AddressInfo).port,
    close() {
      outside.close();
      inside.kill();
    },
  };
}

function pipeServer(target: NetConnectOpts) {
  return createServer((from) => {
    const to = connect(target);
    const end = () => {
      from.destroy();
      to.destroy();
    };
    from.on('error', end).on('close', end).pipe(to);
    to.on('error', end).on('close', end).pipe(from);
  });
}

if (import.meta.main) {
  const [, , path, port] = process.argv;
  pipeServer({ host: '127.0.0.1', port: Number(port) }).listen(path);
}
