/** The part of the rehearsal's server that speaks DHCPv6: one socket for what comes to every server of the wire. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readDhcp6Message, writeDhcp6Message } from '../../clients/dhcp6-message.ts';
import type { RecordedOffer6 } from '../../clients/recorded-offer6.ts';
import type { Answering } from '../../clients/stage-plan.ts';
import { answerTo6 } from './answers6.ts';
import type { SixPart } from './protocol.ts';

const SERVER_PORT = 547;
const CLIENT_PORT = 546;
/** All_DHCP_Relay_Agents_and_Servers (RFC 8415, 7.1). */
const ALL_SERVERS = 'ff02::1:2';

export async function open6(
  { wire, times }: SixPart,
  offer: RecordedOffer6,
  answering: () => Answering,
  print: (line: string) => void,
): Promise<Socket> {
  const socket = createSocket({ type: 'udp6', ipv6Only: true });
  socket.bind({ port: SERVER_PORT, address: '::', exclusive: true });
  await once(socket, 'listening');
  socket.addMembership(ALL_SERVERS, `::%${wire}`);
  socket.on('message', (packet, { address }) => {
    const asked = readDhcp6Message(packet);
    if (asked === null) return;
    const answer = answerTo6(asked, { offer, times, answering: answering() });
    print(`six ${asked.type} ${answer === null ? '-' : answer.type}`);
    // A message that is lost is asked for again.
    if (answer !== null) socket.send(writeDhcp6Message(answer), CLIENT_PORT, address, () => {});
  });
  return socket;
}
