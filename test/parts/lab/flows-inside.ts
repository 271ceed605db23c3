/**
 * Runs inside a throw-away host: UDP flows, each from a port of its own, that go on until a line comes on standard input.
 * Each packet is answered with the name of the gateway that it went through. Then one line of JSON a flow.
 *   node flows-inside.ts ADDRESS PORT FLOWS
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FlowSeen } from './flows.ts';

const [address, port, count] = process.argv.slice(2) as [string, string, string];
const EVERY = 50;

const flows = await Promise.all(
  Array.from({ length: Number(count) }, async () => {
    const socket = createSocket('udp4');
    socket.connect(Number(port), address);
    await once(socket, 'connect');
    const sent: number[] = [];
    const answers = new Map<number, string>();
    socket.on('message', (data) => {
      const [gateway, sequence] = data.toString().split(' ');
      answers.set(Number(sequence), gateway!);
    });
    // A gateway that is down may say so by ICMP: that packet is lost, the flow goes on.
    socket.on('error', () => {});
    return { socket, sent, answers };
  }),
);
const timer = setInterval(() => {
  for (const { socket, sent } of flows) {
    socket.send(String(sent.length), () => {});
    sent.push(Date.now());
  }
}, EVERY);
process.stdout.write('started\n');
await once(process.stdin, 'data');
clearInterval(timer);
await sleep(1000);
for (const { sent, answers } of flows) {
  const lost = sent.filter((_, sequence) => !answers.has(sequence));
  const gateways = [...answers].sort(([a], [b]) => a - b).map(([, gateway]) => gateway);
  const seen: FlowSeen = { gateways: gateways.filter((one, n) => one !== gateways[n - 1]), lost };
  process.stdout.write(`${JSON.stringify(seen)}\n`);
}
process.exit(0);
