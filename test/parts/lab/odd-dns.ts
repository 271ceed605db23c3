/**
 * Stands before a real name server and is odd in one way: it has no UDP, or it is slow. As a program:
 * `node odd-dns.ts ADDRESS UPSTREAM tcp-only|slow MILLISECONDS`; prints `ready`, and ends with its
 * standard input.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { REPOSITORY } from '../repository.ts';
import type { LabHost } from './host.ts';
import { Log } from './log.ts';

export type Oddness = { readonly kind: 'tcp-only' } | { readonly kind: 'slow'; readonly milliseconds: number };

/** At `address` of the far side, in front of a name server at `upstream` there. */
export async function startOddNameServer(
  host: LabHost,
  address: string,
  upstream: string,
  odd: Oddness,
): Promise<{ stop(): Promise<void> }> {
  await host.sh(`ip addr add ${address}/32 dev srv0`, { where: 'server' });
  const delay = odd.kind === 'slow' ? odd.milliseconds : 0;
  const program = join(REPOSITORY, 'test/parts/lab/odd-dns.ts');
  const child = host.spawn([process.execPath, program, address, upstream, odd.kind, String(delay)], {
    where: 'server',
  });
  child.stderr!.pipe(process.stderr);
  await new Log(child.stdout!).until(/^ready/);
  const gone = once(child, 'exit');
  const stop = async () => {
    child.stdin!.end();
    await gone;
  };
  return { stop };
}

if (import.meta.main) {
  const [address, upstream, kind, delay] = process.argv.slice(2) as [string, string, Oddness['kind'], string];
  const tcp = createServer((from) => {
    const to = connect(53, upstream);
    const end = () => {
      from.destroy();
      to.destroy();
    };
    from.on('error', end).on('close', end);
    to.on('error', end).on('close', end);
    const pass = (chunk: Buffer, on: typeof from) => setTimeout(() => on.writable && on.write(chunk), Number(delay));
    from.on('data', (chunk) => pass(chunk, to));
    to.on('data', (chunk) => from.write(chunk));
  }).listen(53, address);
  await once(tcp, 'listening');
  if (kind === 'slow') {
    const udp = createSocket('udp4').bind(53, address);
    await once(udp, 'listening');
    udp.on('message', (query, { port, address: client }) => {
      const relay = createSocket('udp4').on('message', (reply) => {
        relay.close();
        setTimeout(() => udp.send(reply, port, client), Number(delay));
      });
      relay.send(query, 53, upstream);
    });
  }
  process.stdin.resume().once('end', () => process.exit());
  console.log('ready');
}
