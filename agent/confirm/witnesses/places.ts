/** The places of a witness: its addresses by a new look-up, and the kernel's way to each. */
import { isIP } from 'node:net';
import type { IpAddress } from '../../address/accepted.ts';
import { type Family, familyOf } from '../../address/address.ts';
import { unmappedAddress } from '../../address/address-checks.ts';
import { lookUp } from '../../dns/lookup.ts';
import type { Host } from '../../host/host.ts';
import { findLink } from '../../host/netlink/links.ts';
import { chosenWay } from '../../host/netlink/routes/route-lookup.ts';
import { NetlinkSocket } from '../../host/netlink/socket.ts';
import type { WitnessPlace } from '../judgement.ts';

/** Milliseconds until a look-up is ended whose caller waits on, because this process has no time to listen. */
const LONGEST_LOOK_UP = 60_000;

export const FAMILY_NAMES: Readonly<Record<Family, string>> = { ipv4: 'IPv4', ipv6: 'IPv6' };

/** The families in which a witness of this name or address may be asked. */
export function familiesOf(name: string): Family[] {
  const kind = isIP(name);
  return kind === 0 ? ['ipv4', 'ipv6'] : [kind === 6 ? 'ipv6' : 'ipv4'];
}

/** The places of a name in one family, sorted; empty if the name is not found. */
export async function placesOf(
  host: Host,
  name: string,
  family: Family,
  signal: AbortSignal,
): Promise<readonly WitnessPlace[]> {
  const own = unmappedAddress(name);
  const addresses = own === null ? ((await lookUp(host, name, { timeLimit: LONGEST_LOOK_UP, signal })) ?? []) : [own];
  const ofFamily = addresses.filter((address) => familyOf(address) === family).sort();
  return Promise.all(ofFamily.map(async (address) => ({ address, way: await wayTo(address, signal) })));
}

/** The kernel's way, as text; null if there is none. An old kernel that cannot be asked gives the same text always. */
export async function wayTo(address: IpAddress, signal: AbortSignal): Promise<string | null> {
  try {
    using socket = await NetlinkSocket.open();
    const way = await chosenWay(socket, familyOf(address), address, {}, signal);
    if (way === null) return null;
    const [hop] = way.hops;
    const link = hop === undefined ? null : await findLink(socket, hop.index, signal);
    return [
      hop?.gateway == null ? null : `via ${hop.gateway}`,
      link === null ? null : `dev ${link.name}`,
      way.src === null ? null : `src ${way.src}`,
      way.mtu === null ? null : `mtu ${way.mtu}`,
    ]
      .filter((part) => part !== null)
      .join(' ');
  } catch {
    return 'unknown';
  }
}
