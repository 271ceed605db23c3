/**
 * The part of the rehearsal's server that advertises its routers. Node has no raw sockets, so each frame goes in a UDP
 * datagram to the kernel's VXLAN device (RFC 7348) of this network namespace, which puts it on the wire
 * (agent/rehearse/advertiser-wire.ts).
 */
import { createSocket } from 'node:dgram';
import type { Answering } from '../../clients/stage-plan.ts';
import { advertisementFrame } from './advertisement.ts';
import type { SixPart } from './protocol.ts';
import { VXLAN_ADDRESS, VXLAN_PORT, vxlanPacket } from './vxlan.ts';

/** Milliseconds. The server cannot hear a host that asks for its routers. */
const EVERY = 1000;

/** Advertises now and then again and again, unless the server answers nothing. */
export function advertise({ advertisements }: SixPart, answering: () => Answering): { close(): void } {
  const packets = advertisements.map((one) => vxlanPacket(advertisementFrame(one)));
  const socket = createSocket('udp4');
  socket.on('error', () => {});
  const send = () => {
    if (answering() === 'none') return;
    // A packet that is lost is sent again.
    for (const packet of packets) socket.send(packet, VXLAN_PORT, VXLAN_ADDRESS, () => {});
  };
  const timer = setInterval(send, EVERY);
  send();
  return {
    close() {
      clearInterval(timer);
      socket.close();
    },
  };
}
