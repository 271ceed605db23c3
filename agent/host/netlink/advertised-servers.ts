/**
 * The name servers and search domains of a router's advertisement (RFC 8106), as the kernel passes them on to programs
 * (RTM_NEWNDUSEROPT of linux/rtnetlink.h): one message for each option. The kernel does so only if it acts on the
 * advertisement itself. Every byte of an option comes from the network.
 */
import type { IpAddress } from '../../address/accepted.ts';
import { addressOfBytes } from '../../address/address-checks.ts';
import { align, FAMILY, findAttribute, MESSAGE, NETLINK_HEADER } from './message-layout.ts';

/** The layout of struct nduseroptmsg, and its attribute (linux/rtnetlink.h). */
const NDUSEROPTMSG = { size: 16, family: 0, length: 2, index: 4, icmpType: 8 } as const;
const NDUSEROPT_SRCADDR = 1;
/** ICMPv6 (RFC 4861). */
const ROUTER_ADVERTISEMENT = 134;
const RDNSS = 25;
const DNSSL = 31;
/** Bytes of an option before its values: type, length, two reserved bytes, the lifetime. */
const OPTION_HEADER = 8;
const ENDLESS = 0xffffffff;
/** The most values that are read of an option. A full option has 127 addresses. */
const MOST_VALUES = 8;
const MOST_NAME = 253;

export interface AdvertisedServers {
  /** The interface's index. */
  readonly index: number;
  readonly router: IpAddress;
  readonly kind: 'nameservers' | 'search';
  readonly values: readonly string[];
  /** Seconds from now on; 0 if the values no longer hold; null if they have no end. */
  readonly lifetime: number | null;
}

/** Reads the message between two offsets; null if it has no such option, or a damaged one. */
export function readAdvertisedServers(data: Buffer, at: number, end: number): AdvertisedServers | null {
  const body = at + NETLINK_HEADER;
  const option = body + NDUSEROPTMSG.size;
  if (option + OPTION_HEADER > end || data.readUInt16LE(at + 4) !== MESSAGE.newUserOption) return null;
  if (data[body + NDUSEROPTMSG.family] !== FAMILY.ipv6) return null;
  if (data[body + NDUSEROPTMSG.icmpType] !== ROUTER_ADVERTISEMENT) return null;
  const given = data.readUInt16LE(body + NDUSEROPTMSG.length);
  const length = (data[option + 1] ?? 0) * 8;
  if (length < OPTION_HEADER || length > given || option + given > end) return null;
  const source = findAttribute(data, option + align(given), end, NDUSEROPT_SRCADDR);
  if (source === null || source.end - source.start !== 16) return null;
  const content = data.subarray(option + OPTION_HEADER, option + length);
  const read = valuesOf(data[option], content);
  if (read === null) return null;
  const seconds = data.readUInt32BE(option + 4);
  return {
    index: data.readInt32LE(body + NDUSEROPTMSG.index),
    router: addressOfBytes(data.subarray(source.start, source.end)),
    ...read,
    lifetime: seconds === ENDLESS ? null : seconds,
  };
}

function valuesOf(type: number | undefined, content: Buffer): Pick<AdvertisedServers, 'kind' | 'values'> | null {
  if (type === RDNSS) {
    if (content.length === 0 || content.length % 16 !== 0) return null;
    const count = Math.min(content.length / 16, MOST_VALUES);
    const address = (_: unknown, n: number) => addressOfBytes(content.subarray(16 * n, 16 * (n + 1)));
    return { kind: 'nameservers', values: Array.from({ length: count }, address) };
  }
  const values = type === DNSSL ? domains(content) : null;
  return values === null || values.length === 0 ? null : { kind: 'search', values };
}

/** Domain names one after the other, without compression, and zeros up to the end; null if one of them is no domain name. */
function domains(content: Buffer): string[] | null {
  const found: string[] = [];
  for (let at = 0; at < content.length && content[at] !== 0 && found.length < MOST_VALUES; ) {
    const labels: string[] = [];
    for (let length = content[at++]; length !== 0; length = content[at++]) {
      if (length === undefined || at + length > content.length) return null;
      const label = content.toString('latin1', at, at + length);
      if (!/^[a-z0-9_-]{1,63}$/i.test(label)) return null;
      labels.push(label);
      at += length;
    }
    const name = labels.join('.');
    if (name.length > MOST_NAME) return null;
    found.push(name);
  }
  return found;
}
