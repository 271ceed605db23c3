/** The part of `forwarding.dnsmasq` about the networks that a dnsmasq on this host serves. */
import ipaddr from 'ipaddr.js';
import { type Checked, show } from '../config-error.ts';

export const TAG_PATTERN = '^[A-Za-z0-9_-]{1,32}$';

/** This host's IPv4 address in its clients' network, with the length of the prefix: `10.99.0.1/24`. */
export function checkRouter(text: string): Checked {
  const [address = '', length, ...more] = text.split('/');
  if (!ipaddr.IPv4.isValidFourPartDecimal(address) || more.length > 0) {
    return { problem: `${show(text)} is not an IPv4 address with its prefix length; write one such as 10.99.0.1/24` };
  }
  if (length === undefined || !/^[1-9][0-9]?$/.test(length) || Number(length) > 30) {
    return {
      problem: `${show(text)} has no prefix length of a network with clients; write 1 to 30, as in ${address}/24`,
    };
  }
  if (ipaddr.IPv4.networkAddressFromCIDR(text).toString() !== address) return { value: text };
  return { problem: `${show(text)} is the network; write this host's own address in it` };
}

export function tagProblem(tag: string): string | undefined {
  if (new RegExp(TAG_PATTERN).test(tag)) return undefined;
  return `${show(tag)} is no tag; write letters, digits, - and _, as dnsmasq's dhcp-range sets it`;
}
