/**
 * The groups that the interfaces of this network namespace have joined, as the kernel lists them (net/ipv4/igmp.c,
 * net/ipv6/mcast.c).
 */
import { endianness } from 'node:os';
import type { IpAddress } from '../../address/accepted.ts';
import type { Family } from '../../address/address.ts';
import { addressOfBytes } from '../../address/address-checks.ts';
import type { Host } from '../host.ts';

export interface Joined {
  readonly index: number;
  /** Groups, including the link's own (224.0.0.1, ff02::1 …). */
  readonly groups: readonly IpAddress[];
  /**
   * The IGMP version that the interface speaks. It is 1 or 2 if a querier of that version was heard in the last 260 s
   * (RFC 3376, 8.12, with its defaults). Otherwise it is 3, with or without a querier. null for MLD: the kernel does
   * not say.
   */
  readonly version: 1 | 2 | 3 | null;
}

/** Joined groups by interface; null if this kernel does not say. Throws HostError. */
export function joinedGroups(host: Pick<Host, 'readText'>, family: Family): Map<string, Joined> | null {
  const text = host.readText(family === 'ipv4' ? '/proc/net/igmp' : '/proc/net/igmp6');
  if (text === null) return null;
  return family === 'ipv4' ? readIgmp(text) : readIgmp6(text);
}

/** MLD queries received on an interface since it came up; null if the interface has no IPv6. */
export function mldQueries(host: Pick<Host, 'readText'>, device: string): number | null {
  const text = host.readText(`/proc/net/dev_snmp6/${device}`) ?? '';
  const count = /^Icmp6InGroupMembQueries\s+(\d+)$/m.exec(text)?.[1];
  return count === undefined ? null : Number(count);
}

/** `2	eth1      :     2      V2`, and below it a line for each group: `				030201E0     1 0:00000000		1`. */
function readIgmp(text: string): Map<string, Joined> {
  const found = new Map<string, { index: number; groups: IpAddress[]; version: Joined['version'] }>();
  let current: IpAddress[] = [];
  for (const line of text.split('\n')) {
    const [, index, name, version] = /^(\d+)\t(\S+)\s*:\s+\d+\s+V([123])$/.exec(line) ?? [];
    const group = /^\t+([0-9A-F]{8})\s/.exec(line)?.[1];
    if (name !== undefined) {
      current = [];
      found.set(name, { index: Number(index), groups: current, version: Number(version) as 1 | 2 | 3 });
    } else if (group !== undefined) current.push(dotted(group));
  }
  return found;
}

/** The kernel prints the address as one number in the machine's byte order. */
function dotted(hex: string): IpAddress {
  const bytes = Buffer.from(hex, 'hex');
  return addressOfBytes(endianness() === 'LE' ? bytes.reverse() : bytes);
}

/** `2    eth1            ff020000000000000000000000000001     1 0000000C 0` */
function readIgmp6(text: string): Map<string, Joined> {
  const found = new Map<string, { index: number; groups: IpAddress[]; version: null }>();
  for (const line of text.split('\n')) {
    const [, index, name, group] = /^(\d+)\s+(\S+)\s+([0-9a-f]{32})\s/.exec(line) ?? [];
    if (name === undefined || group === undefined) continue;
    const joined = found.get(name) ?? { index: Number(index), groups: [], version: null };
    joined.groups.push(addressOfBytes(Buffer.from(group, 'hex')));
    found.set(name, joined);
  }
  return found;
}
