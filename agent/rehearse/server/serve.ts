/**
 * The DHCP server and the routers of a rehearsal: `agent rehearse serve`, which only a rehearsal starts, in the network namespace at the
 * far side of the stage's wire. It ends with its standard input.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { readBootp, writeBootp } from '../../clients/bootp.ts';
import type { Answering } from '../../clients/stage-plan.ts';
import { advertise } from './advertise.ts';
import { answerTo } from './answers.ts';
import { type FourPart, partFromText } from './protocol.ts';
import { open6 } from './serve6.ts';

const SERVER_PORT = 67;
const CLIENT_PORT = 68;
const EVERYBODY = '255.255.255.255';

/** Ends when standard input ends. */
export async function serve(input: NodeJS.ReadableStream, print: (line: string) => void): Promise<void> {
  print('hello');
  const answering: { 4: Answering; 6: Answering } = { 4: 'none', 6: 'none' };
  let parts: { close(): void }[] | null = null;
  for await (const line of createInterface({ input })) {
    if (parts === null) {
      const { four, six } = partFromText(line);
      if (four !== null) answering[4] = four.answering;
      if (six !== null) answering[6] = six.answering;
      parts = [
        ...(four === null ? [] : await open(four, () => answering[4], print)),
        ...(six === null || six.offer === null ? [] : [await open6(six, six.offer, () => answering[6], print)]),
        ...(six === null || six.advertisements.length === 0 ? [] : [advertise(six, () => answering[6])]),
      ];
      print('ready');
    } else {
      const [now, family] = line.split(' ');
      answering[family === '6' ? 6 : 4] = now as Answering;
      print(`now ${line}`);
    }
  }
  for (const part of parts ?? []) part.close();
}

/**
 * Two sockets, because a socket does not say whether a message was a broadcast. The second is also the one that sends:
 * the kernel finds the wire by its address.
 */
async function open(part: FourPart, answering: () => Answering, print: (line: string) => void): Promise<Socket[]> {
  const forAll = createSocket({ type: 'udp4', reuseAddr: true });
  const own = createSocket({ type: 'udp4', reuseAddr: true });
  for (const [socket, address] of [
    [forAll, EVERYBODY],
    [own, part.server],
  ] as const) {
    socket.bind({ port: SERVER_PORT, address, exclusive: true });
    await once(socket, 'listening');
  }
  own.setBroadcast(true);
  const server = Buffer.from(part.server.split('.').map(Number));
  for (const socket of [forAll, own]) {
    socket.on('message', (packet) => {
      const asked = readBootp(packet);
      if (asked === null) return;
      const toEverybody = socket === forAll;
      const answer = answerTo(asked, { ...part, answering: answering(), server, toEverybody });
      const type = (message: typeof asked) => message.options.get(53)?.[0] ?? 0;
      print(`${toEverybody ? 'broadcast' : 'unicast'} ${type(asked)} ${answer === null ? '-' : type(answer.message)}`);
      if (answer === null) return;
      const to = answer.unicast ? asked.ciaddr.join('.') : EVERYBODY;
      own.send(writeBootp(answer.message), CLIENT_PORT, to, () => {}); // a message that is lost is asked for again
    });
  }
  return [forAll, own];
}
