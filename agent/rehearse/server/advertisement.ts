/** A router's advertisement on the wire: the ICMPv6 message (RFC 4861, 4.2), and the Ethernet frame around it. */
import type { Prefix } from '../../address/accepted.ts';
import { bytesOfAddress, ipAddress } from '../../address/address-checks.ts';
import { INFINITE } from '../../clients/known-lease.ts';
import { namesOption } from '../../clients/option-bytes.ts';
import type { RecordedAdvertisement } from '../../clients/recorded-advertisement.ts';
import type { RouterPreference } from '../../host/netlink/routes/seen-route.ts';

const ROUTER_ADVERTISEMENT = 134;
const MANAGED = 0x80;
const OTHER = 0x40;
const PREFERENCES: Readonly<Record<RouterPreference, number>> = { low: 0x18, medium: 0, high: 0x08 };

const PREFIX_INFORMATION = 3;
const MTU = 5;
const ROUTE_INFORMATION = 24;
const RDNSS = 25;
const DNSSL = 31;
const ON_LINK = 0x80;
const AUTONOMOUS = 0x40;

/** The length of an option is one byte, in units of 8 bytes. */
const UNIT = 8;
const LONGEST = 255 * UNIT;

/** The message with its checksum, from the router to all hosts. An option that is too long for the wire is left out. */
export function advertisementBytes(advertisement: RecordedAdvertisement): Buffer {
  const { router, managed, other, lifetime, preference, hopLimit, mtu, prefixes, routes, servers, domains } =
    advertisement;
  const head = Buffer.alloc(16);
  head[0] = ROUTER_ADVERTISEMENT;
  head[4] = limited(hopLimit, 255);
  head[5] = (managed ? MANAGED : 0) | (other ? OTHER : 0) | PREFERENCES[preference];
  head.writeUInt16BE(limited(lifetime, 0xffff), 6);
  const message = Buffer.concat([
    head,
    ...prefixes.map((one) => {
      const [address, length] = partsOf(one.prefix);
      const flags = (one.onLink ? ON_LINK : 0) | (one.autonomous ? AUTONOMOUS : 0);
      const times = [seconds(one.valid), seconds(one.preferred), Buffer.alloc(4)];
      return option(PREFIX_INFORMATION, [length, flags], ...times, address);
    }),
    ...(mtu === null ? [] : [option(MTU, [0, 0], seconds(mtu))]),
    ...routes.map((one) => {
      const [address, length] = partsOf(one.prefix);
      const significant = address.subarray(0, Math.ceil(length / 64) * UNIT);
      return option(ROUTE_INFORMATION, [length, PREFERENCES[one.preference]], seconds(one.lifetime), significant);
    }),
    ...servers.map((one) => option(RDNSS, [0, 0], seconds(one.lifetime), ...one.addresses.map(bytesOfAddress))),
    ...domains.flatMap((one) => {
      const names = namesOption(one.names);
      return names === null ? [] : [option(DNSSL, [0, 0], seconds(one.lifetime), names)];
    }),
  ]);
  message.writeUInt16BE(checksum(bytesOfAddress(router), ALL_NODES, message), 2);
  return message;
}

/** The type, the length, two bytes, and the data with zeros up to a whole unit. Empty if that is too long. */
function option(type: number, two: readonly [number, number], ...data: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat([Buffer.from([type, 0, ...two]), ...data]);
  const padded = Buffer.concat([bytes, Buffer.alloc((UNIT - (bytes.length % UNIT)) % UNIT)]);
  if (padded.length > LONGEST) return Buffer.alloc(0);
  padded[1] = padded.length / UNIT;
  return padded;
}

function partsOf(prefix: Prefix): [address: Buffer, length: number] {
  const [address = '', length] = prefix.split('/');
  return [bytesOfAddress(ipAddress(address)!), Number(length)];
}

function seconds(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(limited(value, INFINITE));
  return bytes;
}

const limited = (value: number, most: number) => Math.max(0, Math.min(Math.trunc(value), most));

const ALL_NODES = Buffer.from('ff020000000000000000000000000001', 'hex');
/** The Ethernet address of ff02::1 (RFC 2464, 7). */
const ALL_NODES_ETHERNET = Buffer.from('333300000001', 'hex');
/** A locally administered address. No option names it, so hosts ask for the router's own. */
const SENDER_ETHERNET = Buffer.from('020000000001', 'hex');
const IPV6_ETHERTYPE = 0x86dd;
const ICMPV6 = 58;
/** Hosts drop an advertisement with any other hop limit (RFC 4861, 6.1.2). */
const HOP_LIMIT = 255;

/** The sum of RFC 4443, 2.3 over the pseudo-header (RFC 8200, 8.1) and a message whose own checksum is 0. */
function checksum(from: Buffer, to: Buffer, message: Buffer): number {
  const tail = Buffer.alloc(8);
  tail.writeUInt32BE(message.length);
  tail[7] = ICMPV6;
  // Every part has a whole number of 16-bit words, because options are padded.
  let sum = 0;
  for (const part of [from, to, tail, message])
    for (let at = 0; at < part.length; at += 2) sum += part.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** The frame that brings the advertisement to all hosts of a wire. */
export function advertisementFrame(advertisement: RecordedAdvertisement): Buffer {
  const message = advertisementBytes(advertisement);
  const head = Buffer.alloc(10);
  head.writeUInt16BE(IPV6_ETHERTYPE);
  head[2] = 0x60;
  head.writeUInt16BE(message.length, 6);
  head[8] = ICMPV6;
  head[9] = HOP_LIMIT;
  return Buffer.concat([
    ...[ALL_NODES_ETHERNET, SENDER_ETHERNET, head],
    ...[bytesOfAddress(advertisement.router), ALL_NODES, message],
  ]);
}
