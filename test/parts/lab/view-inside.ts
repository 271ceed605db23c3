/**
 * One end of a view (outside-view.ts). It listens, and connects to the other end ten times a second, each time by a new
 * look-up and a new connection that carries 10,000 bytes. Its only argument is a ViewEnd as JSON. At the end of its input it
 * prints the longest time without a connection that was whole, for each family and direction that ever had one.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { ViewEnd } from './outside-view.ts';

const BYTES = Buffer.alloc(10_000, '.');
/** Milliseconds. */
const EVERY = 100;
const PATIENCE = 3_000;

const { listen, port, peers } = JSON.parse(process.argv[2]!) as ViewEnd;
const ways = new Map<string, { last: number; longest: number }>();

function whole(way: string): void {
  const now = performance.now();
  const { last, longest } = ways.get(way) ?? { last: now, longest: 0 };
  ways.set(way, { last: now, longest: Math.max(longest, now - last) });
}

/** Reads all that comes, and calls back if it was whole. */
function read(socket: Socket, then: () => void): void {
  let length = 0;
  socket.on('error', () => socket.destroy());
  socket.setTimeout(PATIENCE, () => socket.destroy());
  socket.on('data', (chunk) => {
    length += chunk.length;
    if (length === BYTES.length) then();
  });
}

const server = createServer((socket) => {
  const family = socket.remoteAddress?.startsWith('::ffff:') ? 'IPv4' : 'IPv6';
  read(socket, () => {
    whole(`${family} to here`);
    socket.end(BYTES);
  });
});
server.listen(listen, '::');
await once(server, 'listening');
const timer = setInterval(() => {
  for (const { host, family } of peers) {
    const socket = connect({ host, port, family, noDelay: true }, () => socket.write(BYTES));
    read(socket, () => {
      whole(`IPv${family} from here`);
      socket.end();
    });
  }
}, EVERY);
console.log('ready');
process.stdin.resume();
await once(process.stdin, 'end');
clearInterval(timer);
const now = performance.now();
console.log(
  `longest ${JSON.stringify([...ways].map(([way, { last, longest }]) => [way, Math.max(longest, now - last)]))}`,
);
process.exit(0);
