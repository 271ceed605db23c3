/**
 * The far side of a wire that also carries advertisements of routers: a bridge with the wire's name between the wire and a
 * VXLAN device, to which a process of that side sends frames by UDP on the loopback. The device sends nothing by itself:
 * it knows no other end.
 */
import { VXLAN_ADDRESS, VXLAN_ID, VXLAN_PORT } from './server/vxlan.ts';

/**
 * Lines of `ip -batch` for the far side. A kernel that has no such devices fails at the first two, before the wire is
 * touched. `wire` must be down.
 */
export function advertiserWire(wire: string, mtu: number): string[] {
  const vxlan = `mtu ${mtu} type vxlan id ${VXLAN_ID} local ${VXLAN_ADDRESS} dstport ${VXLAN_PORT} nolearning`;
  return [
    `link add name far-frames ${vxlan}`,
    `link add name far-bridge type bridge mcast_snooping 0`,
    'link set dev lo up',
    `link set dev ${wire} name far-wire`,
    `link set dev far-bridge name ${wire}`,
    ...['far-wire', 'far-frames'].flatMap((port) => [
      `link set dev ${port} addrgenmode none`,
      `link set dev ${port} master ${wire}`,
      `link set dev ${port} up`,
    ]),
  ];
}
