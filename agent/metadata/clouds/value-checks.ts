/**
 * Checks of a metadata service's values. Routes are made from these values, so a value that no cloud would give is
 * refused with a sentence.
 */
import ipaddr from 'ipaddr.js';
import type { IpAddress, Prefix } from '../../address/accepted.ts';
import { type Family, familyOf } from '../../address/address.ts';
import { addressOfBytes, ipAddress, rangeOf } from '../../address/address-checks.ts';
import { show } from '../../config/config-error.ts';
import { checkPrefix } from '../../config/notation/addresses.ts';

/** More than any provider allows; EC2's most is 50 ranges a VPC. */
const MOST = 64;

/** The shortest prefix that we accept. A wider network covers much of the Internet and is no cloud's. */
const SHORTEST = { ipv4: 8, ipv6: 16 } as const;

/** Ranges (ipaddr.js) that no host's network is in. */
const NO_NETWORK = new Set(['unspecified', 'broadcast', 'multicast', 'linkLocal', 'loopback', 'ipv4Mapped']);

/** The lines of a plain answer, as EC2 writes a list. */
export function lines(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line !== '');
}

/** Networks in canonical notation, each once, sorted. Throws an Error with a sentence that names `what`. */
export function networks(texts: readonly string[], family: Family, what: string): Prefix[] {
  if (texts.length > MOST)
    throw new Error(`${what} has ${texts.length} values, and more than ${MOST} are not believed`);
  return [...new Set(texts.map((text) => network(text, family, what)))].sort();
}

/** The address after the network's own address: EC2 and Azure put every subnet's gateway there. */
export function firstAddress(cidr: Prefix): IpAddress {
  const [address = '', length] = cidr.split('/');
  if (Number(length) > 30) throw new Error(`${cidr} has no room for a gateway`);
  const octets = ipaddr.IPv4.parse(address).octets;
  return addressOfBytes(Uint8Array.from([...octets.slice(0, 3), (octets[3] ?? 0) + 1]));
}

/** A host's address in canonical notation. Throws an Error with a sentence that names `what`. */
export function address(text: unknown, family: Family, what: string): IpAddress {
  if (typeof text !== 'string') throw new Error(`${what} is no address`);
  const found = ipAddress(text);
  if (found === null || familyOf(found) !== family) throw new Error(`${what} is ${show(text)}, and no address`);
  if (NO_NETWORK.has(rangeOf(found))) throw new Error(`${what} is ${show(text)}, and no host has such an address`);
  return found;
}

/** A hardware address as in /sys/class/net: `0e:49:61:0f:c3:11`; null if the text is no such address. */
export function hardwareAddress(text: unknown): string | null {
  const digits = typeof text === 'string' && /^[0-9a-f]{2}([:-]?[0-9a-f]{2}){5}$/i.test(text) ? text : null;
  return digits?.replace(/[:-]/g, '').toLowerCase().match(/../g)?.join(':') ?? null;
}

function network(text: string, family: Family, what: string): Prefix {
  const checked = text.includes('/') ? checkPrefix(text) : null;
  if (checked === null || 'problem' in checked) {
    const why = checked?.problem.includes('host bits') ? 'has host bits set' : 'is no network';
    throw new Error(`${what}: ${show(text)} ${why}`);
  }
  const [first = '', length] = checked.value.split('/');
  const parsed = ipaddr.parse(first);
  if (familyOf(checked.value) !== family) throw new Error(`${what}: ${checked.value} is not ${LABELS[family]}`);
  if (Number(length) < SHORTEST[family])
    throw new Error(`${what}: ${checked.value} is wider than any network of a cloud (/${SHORTEST[family]})`);
  if (NO_NETWORK.has(parsed.range())) throw new Error(`${what}: ${checked.value} is no network that hosts can have`);
  return checked.value;
}

const LABELS = { ipv4: 'IPv4', ipv6: 'IPv6' } as const;
