/** Multicast groups as the configuration writes them. */
import ipaddr from 'ipaddr.js';
import { familyOf } from '../address/address.ts';
import { isAddress } from './addresses.ts';

/** Of RFC 3376's and RFC 3810's defaults: two queries may be lost, 125 s apart, and the answer takes 10 s. */
export const SILENCE = '260s';

/** In its usual notation; null: it is no group of hosts. */
export function groupAddress(text: string): string | null {
  if (!isAddress(text)) return null;
  const parsed = ipaddr.parse(text);
  return parsed.range() === 'multicast' ? parsed.toString() : null;
}

/** Whether it never leaves its link, so that nobody reports it and no switch may leave it out (RFC 4541, 2.1.2). */
export function isForTheLink(group: string): boolean {
  return familyOf(group) === 'ipv6'
    ? /^ff[0-9a-f][01]:/.test(group) || group === 'ff02::1'
    : group.startsWith('224.0.0.');
}
