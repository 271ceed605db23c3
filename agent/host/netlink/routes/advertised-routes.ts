/** The IPv6 default routes that the kernel has made from router advertisements (RFC 4861). */
import { dump, type Gatherer } from '../dump.ts';
import { links } from '../links.ts';
import { findAttribute, NETLINK_HEADER } from '../message-layout.ts';
import { NetlinkSocket } from '../socket.ts';
import { ADVERTISED } from './advertised-routers.ts';
import { RTA, RTMSG, routeDump } from './rtmsg.ts';

/** The names of their interfaces, each once. Costs a dump of all IPv6 routes. Throws NetlinkError. */
export async function advertisedDefaults(signal: AbortSignal): Promise<string[]> {
  using socket = await NetlinkSocket.open();
  const indices = await dump(socket, routeDump('ipv6'), () => new AdvertisedDefaults(), signal);
  if (indices.size === 0) return [];
  const interfaces = await links(socket, signal);
  return [...indices].map((index) => interfaces.get(index)?.name ?? String(index));
}

export class AdvertisedDefaults implements Gatherer<Set<number>> {
  readonly #indices = new Set<number>();

  take(data: Buffer, at: number, end: number): false {
    const body = at + NETLINK_HEADER;
    if (data[body + RTMSG.destinationLength] !== 0 || data[body + RTMSG.protocol] !== ADVERTISED) return false;
    const link = findAttribute(data, body + RTMSG.size, end, RTA.interface);
    if (link !== null && link.end - link.start === 4) this.#indices.add(data.readInt32LE(link.start));
    return false;
  }

  result(): Set<number> {
    return this.#indices;
  }
}
