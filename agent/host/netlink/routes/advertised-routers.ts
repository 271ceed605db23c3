/**
 * The default routers that this host has learnt from router advertisements (RFC 4861), whoever acts on these: the kernel,
 * systemd-networkd, NetworkManager and dhcpcd mark such a route with the same protocol. The kernel is asked for the best
 * route of each interface, so the size of the tables does not matter.
 */
import type { IpAddress } from '../../../address/accepted.ts';
import { ipAddress } from '../../../address/address-checks.ts';
import { links } from '../links.ts';
import { NetlinkSocket } from '../socket.ts';
import { matchedRoute } from './route-lookup.ts';

/** RTPROT_RA of linux/rtnetlink.h. */
export const ADVERTISED = 9;

/** An address for benchmarks (RFC 5180), to which no network has a more specific route. */
const ANYWHERE = ipAddress('2001:2::1')!;

export interface AdvertisedRouter {
  readonly interface: string;
  readonly gateway: IpAddress;
  /**
   * Seconds until the route goes unless the router advertises itself again; null if the program that made the route
   * removes it itself.
   */
  readonly expires: number | null;
}

/** The best one of each interface, by name. Throws NetlinkError. Needs Linux 4.18; before that there is none. */
export async function advertisedRouters(signal: AbortSignal): Promise<AdvertisedRouter[]> {
  using socket = await NetlinkSocket.open();
  const found: AdvertisedRouter[] = [];
  for (const { index, name, up } of (await links(socket, signal)).values()) {
    const route = up ? await matchedRoute(socket, 'ipv6', ANYWHERE, { index }, signal) : null;
    if (route === null || route.protocol !== ADVERTISED || !route.destination.endsWith('/0')) continue;
    const gateway = route.hops.find((hop) => hop.index === index)?.gateway ?? null;
    if (gateway !== null) found.push({ interface: name, gateway, expires: route.expires });
  }
  return found.sort((a, b) => (a.interface < b.interface ? -1 : 1));
}
