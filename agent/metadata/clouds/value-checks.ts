/**
 * Checks of a metadata service's values. Routes are made from these values, so a value that no cloud would give is
 * refused with a sentence.
 */
import ipaddr from 'ipaddr.js';
import type { Family } from '../../address/address.ts';
import { show } from '../../config/config-error.ts';
import { checkPrefix, isAddress } from '../../config/notation/addresses.ts';

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
export function networks(texts: readonly string[], family: Family, what: string): string[] {
  if (texts.length > MOST)
    throw new Error(`${what} has ${texts.length} values, and more than ${MOST} are not believed`);
  return [...new Set(texts.map((text) => network(text, family, what)))].sort();
}

/** The address after the network's own address: EC2 and Azure put every subnet's gateway there. */
export function firstAddress(cidr: string): string {
  const [address = '', length] = cidr.split('/');
  if (Number(length) > 30) throw new Error(`${cidr} has no room for a gateway`);
  const octets = ipaddr.IPv4.parse(address).octets;
  return [...octets.slice(0, 3), (octets[3] ?? 0) + 1].join('.');
}

/** A host's address in canonical notation. Throws an Error with a sentence that names `what`. */
export function address(text: unknown, family: Family, what: string): string {
  if (typeof text !== 'string') throw new Error(`${what} is no address`);
  const parsed = isAddress(text) ? ipaddr.parse(text) : null;
  if (parsed === null || parsed.kind() !== family) throw new Error(`${what} is ${show(text)}, and no address`);
  if (NO_NETWORK.has(parsed.range())) throw new Error(`${what} is ${show(text)}, and no host has such an address`);
  return parsed.toString();
}

/** A hardware address as in /sys/class/net: `0e:49:61:0f:c3:11`; null if the text is no such address. */
export function hardwareAddress(text: unknown): string | null {
  const digits = typeof text === 'string' && /^[0-9a-f]{2}([:-]?[0-9a-f]{2}){5}$/i.test(text) ? text : null;
  return digits?.replace(/[:-]/g, '').toLowerCase().match(/../g)?.join(':') ?? null;
}

function network(text: string, family: Family, what: string): string {
  const checked = text.includes('/') ? checkPrefix(text) : null;
  if (checked === null || 'problem' in checked) {
    const why = checked?.problem.includes('host bits') ? 'has host bits set' : 'is no network';
    throw new Error(`${what}: ${show(text)} ${why}`);
  }
  const [first = '', length] = checked.value.split('/');
  const parsed = ipaddr.parse(first);
  if (parsed.kind() !== family) throw new Error(`${what}: ${checked.value} is not ${LABELS[family]}`);
  if (Number(length) < SHORTEST[family])
    throw new Error(`${what}: ${checked.value} is wider than any network of a cloud (/${SHORTEST[family]})`);
  if (NO_NETWORK.has(parsed.range())) throw new Error(`${what}: ${checked.value} is no network that hosts can have`);
  return checked.value;
}

const LABELS = { ipv4: 'IPv4', ipv6: 'IPv6' } as const;
