/** Addresses as resolv.conf(5) takes them. */

import ipaddr from 'ipaddr.js';
import type { IpAddress, Prefix, ServerAddress, SortlistPair } from '../../address/accepted.ts';
import { familyOf } from '../../address/address.ts';
import {
  ipAddress,
  prefixHolding,
  rangeOf,
  sortlistPair,
  unmappedAddress,
  withZone,
} from '../../address/address-checks.ts';
import { isDotted } from '../../address/dotted.ts';
import { writeInstead } from '../../address/meant-address.ts';
import { type Checked, show } from '../config-error.ts';
import { flow } from '../yaml-text.ts';
import { checkInterfaceName } from './names.ts';

/** A name server's address in its usual notation. A link-local address needs its interface: `fe80::1%eth0`. */
export function checkNameserver(text: string): Checked<ServerAddress> {
  const [address = '', zone] = text.split(/%(.*)/s);
  const value = ipAddress(address);
  if (value === null || (zone !== undefined && familyOf(value) === 'ipv4')) return noAddress(text);
  const range = rangeOf(value);
  const unfit = serverAddress(text, range);
  if (unfit) return unfit;
  const linkLocal = range === 'linkLocal' && familyOf(value) === 'ipv6';
  if (linkLocal && zone === undefined) {
    return { problem: `${show(text)} is link-local and needs its interface; write ${address}%eth0` };
  }
  if (!linkLocal && zone !== undefined) return { problem: `${show(text)} is not link-local; write only ${address}` };
  if (zone === undefined) return { value };
  const checked = checkInterfaceName(zone);
  return 'problem' in checked ? checked : { value: withZone(value, checked.value) };
}

/**
 * A sortlist pair with its dotted netmask: `10.72.0.0/16` and `10.72.0.0/255.255.0.0` → `10.72.0.0/255.255.0.0`. IPv4
 * only (resolv.conf(5)). libc masks the address that it sorts, but not the pair's address, so a pair with host bits
 * never matches.
 */
export function checkSortlistPair(text: string): Checked<SortlistPair> {
  const [address = '', mask, ...more] = text.split('/');
  if (ipaddr.IPv6.isValid(address)) return { problem: `${show(text)} is IPv6; libc's sortlist takes IPv4 only` };
  if (!isDotted(address) || more.length > 0) {
    return { problem: `${show(text)} is not an address with its netmask; write 10.72.0.0/16 or 10.72.0.0/255.255.0.0` };
  }
  const bits = mask === undefined ? naturalBits(address) : maskBits(mask);
  if (bits === null) {
    return {
      problem: `${show(mask)} is no netmask; write a prefix of 0 to 32, such as ${address}/24, or 255.255.255.0`,
    };
  }
  const network = prefixHolding(address, bits).replace(/\/.*/, '');
  if (network === address) return { value: sortlistPair(address, bits) };
  if (mask === undefined) return { problem: `${show(text)} has no netmask; write ${address}/32 for this one address` };
  return { problem: `${show(text)} has host bits set, so libc would never match it; write ${network}/${mask}` };
}

/** An address that is to be switched off, as `agent depends` compares addresses; without a zone. */
export function checkRetired(text: string): Checked<IpAddress> {
  const value = unmappedAddress(text);
  if (value === null) return { problem: `${show(text)} is no IP address; ${writeInstead(text)}` };
  return serverAddress(text, rangeOf(value)) ?? { value };
}

/** A network of IPv4 or IPv6, `10.72.0.0/16`. An address without a prefix means a network of one address. */
export function checkPrefix(text: string): Checked<Prefix> {
  const dotted = /^([0-9.]+)(?:\/|\s+(?:netmask\s+)?)([0-9]+(?:\.[0-9]+){3})$/.exec(text);
  const dottedBits = dotted === null ? null : maskBits(dotted[2] ?? '');
  const meant = dotted === null || dottedBits === null ? null : checkPrefix(`${dotted[1]}/${dottedBits}`);
  if (meant !== null && 'value' in meant) return { problem: `${show(text)} has a netmask; write ${meant.value}` };
  const [address = '', length, ...more] = text.split('/');
  const own = ipAddress(address);
  if (own === null || more.length > 0) {
    return { problem: `${show(text)} is no network; write one such as 10.72.0.0/16 or 2001:db8::/32` };
  }
  const longest = familyOf(own) === 'ipv4' ? 32 : 128;
  const bits = length ?? String(longest);
  if (!/^(0|[1-9][0-9]{0,2})$/.test(bits) || Number(bits) > longest) {
    return { problem: `${show(length)} is no prefix length; write 0 to ${longest}` };
  }
  const network = prefixHolding(own, Number(bits));
  if (network === `${own}/${bits}`) return { value: network };
  return { problem: `${show(text)} has host bits set; write ${network}, or ${address} for this one address` };
}

function noAddress(text: string): { readonly problem: string } {
  const words = text.split(/[\s,;]+/).filter((word) => word !== '');
  if (words.length > 1 && words.every((word) => 'value' in checkNameserver(word)))
    return { problem: `${show(text)} is not one address; write a list: [${words.join(', ')}]` };
  const [, bracketed, bare, rest = ''] =
    /^(?:\[([^\]]+)\]|([0-9.]+|[0-9a-fA-F:]+))((?:[:#]\d+|\/\d+)?)$/.exec(text) ?? [];
  const address = bracketed ?? bare ?? '';
  if (address !== text && ipaddr.isValid(address) && 'value' in checkNameserver(address)) {
    const why = rest.startsWith('/')
      ? 'is a network'
      : rest === ''
        ? 'has brackets'
        : 'has a port, and libc takes none';
    return { problem: `${show(text)} ${why}; write ${flow(address)}` };
  }
  return { problem: `${show(text)} is not an IP address; write one such as 10.0.0.53` };
}

function serverAddress(text: string, range: string): { readonly problem: string } | null {
  if (!['unspecified', 'broadcast', 'multicast'].includes(range)) return null;
  return {
    problem: `${show(text)} is ${range === 'unspecified' ? 'no' : `a ${range}`} address; write a name server's own`,
  };
}

/** The netmask of the address's class, which libc uses if the pair has no netmask. */
function naturalBits(address: string): number | null {
  const first = Number(address.split('.')[0]);
  return first < 128 ? 8 : first < 192 ? 16 : 24;
}

function maskBits(mask: string): number | null {
  if (/^(0|[1-9][0-9]?)$/.test(mask)) return Number(mask) <= 32 ? Number(mask) : null;
  return ipaddr.IPv4.isValidFourPartDecimal(mask) ? ipaddr.IPv4.parse(mask).prefixLengthFromSubnetMask() : null;
}
