/** Proves that the probes of send-traces.ts see what is sent, by sends of our own to this host itself. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Family } from '../../address/address.ts';
import { ipAddress } from '../../address/address-checks.ts';
import { commOf } from '../process/proc.ts';
import type { SeenSend, SendTrace } from './send-traces.ts';

/** Addresses of this host that hardly any other program sends to. */
const OWN = { ipv4: ipAddress('127.83.101.110')!, ipv6: ipAddress('::1')! } as const;
/** Discard (RFC 863): nobody listens there. */
const PORT = 9;
/** Milliseconds until the records must be there. */
const PATIENCE = 2_000;

/**
 * Sends a datagram with an address, one on a connected socket, and the beginning of a TCP connection. Throws an Error
 * that names what was not seen. The trace sees sends to our own address afterwards, until it is aimed again.
 */
export async function proveSends(trace: SendTrace, family: Family): Promise<void> {
  const address = OWN[family];
  trace.aim(address);
  trace.take();
  await datagrams(address, family);
  const socket = connect(PORT, address);
  await once(socket, 'connect').catch(() => {}); // refused, and yet begun
  socket.destroy();
  const own = commOf('self');
  const seen: SeenSend[] = [];
  for (const until = performance.now() + PATIENCE; performance.now() < until; await sleep(10)) {
    seen.push(...trace.take().sends.filter(({ comm }) => comm === own));
    const of = (protocol: string) => seen.filter((one) => one.protocol === protocol).length;
    if (of('UDP') >= 2 && of('TCP') >= 1) return;
  }
  throw new Error(`its own sends were not seen (${seen.length} of 3), so nothing of it is believed`);
}

async function datagrams(address: string, family: Family): Promise<void> {
  const type = family === 'ipv4' ? 'udp4' : 'udp6';
  for (const isConnected of [false, true]) {
    const socket = createSocket(type);
    socket.on('error', () => {}); // nobody listens
    if (isConnected) {
      socket.connect(PORT, address);
      await once(socket, 'connect');
    }
    const sent = (done: () => void) => (isConnected ? socket.send('', done) : socket.send('', PORT, address, done));
    await new Promise<void>((resolve) => sent(resolve));
    socket.close();
  }
}
