/** Multicast groups as the configuration writes them. */
import type { IpAddress } from '../../address/accepted.ts';
import { familyOf } from '../../address/address.ts';
import { ipAddress, rangeOf } from '../../address/address-checks.ts';

/** From the defaults of RFC 3376 and RFC 3810: two queries may be lost, 125 s apart, and the answer takes 10 s. */
export const SILENCE = '260s';

/** The group in its usual notation; null if the address is no group. */
export function groupAddress(text: string): IpAddress | null {
  const address = ipAddress(text);
  return address !== null && rangeOf(address) === 'multicast' ? address : null;
}

/** Whether the group is link-local: hosts do not report it, and switches always forward it (RFC 4541, 2.1.2). */
export function isForTheLink(group: IpAddress): boolean {
  return familyOf(group) === 'ipv6'
    ? /^ff[0-9a-f][01]:/.test(group) || group === 'ff02::1'
    : group.startsWith('224.0.0.');
}
