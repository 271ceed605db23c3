/** Destinations, gateways and tables of routes as the configuration writes them. */
import ipaddr from 'ipaddr.js';
import type { IpAddress, Prefix } from '../../address/accepted.ts';
import { type Family, familyOf } from '../../address/address.ts';
import { ipAddress, ipPrefix, rangeOf } from '../../address/address-checks.ts';
import { type Checked, show } from '../config-error.ts';
import type { FromMetadata } from '../desired.ts';
import { isMetadataName, METADATA_NAMES, type MetadataName } from '../desired-metadata.ts';
import { didYouMean } from '../hints/suggest.ts';
import { flow } from '../yaml-text.ts';
import { checkPrefix } from './addresses.ts';

const SUBNET_GATEWAY = 'subnet-gateway' satisfies MetadataName;
const METADATA = 'metadata:';
const DEFAULT = { ipv4: ipPrefix('0.0.0.0/0')!, ipv6: ipPrefix('::/0')! } as const;
const TABLES: Readonly<Record<string, number>> = { main: 254, default: 253 };
const LOCAL_TABLE = 255;
export const DEFAULT_TABLE = 254;
/** The kernel's default for IPv6 is IP6_RT_PRIO_USER; IPv6 has no metric 0. */
const DEFAULT_METRIC = { ipv4: 0, ipv6: 1024 } as const;

/** A network in its usual notation, `default`, or `metadata:` and a name. */
export function checkDestination(text: string): Checked {
  if (text === 'default') return { value: text };
  if (!text.startsWith(METADATA)) return checkPrefix(text);
  const name = text.slice(METADATA.length);
  if (isNetworks(name)) return { value: text };
  const known = Object.entries(METADATA_NAMES).flatMap(([key, { kind }]) => (kind === 'networks' ? [key] : []));
  return { problem: `${show(name)} is no network of the metadata service${didYouMean(name, known)}` };
}

function isNetworks(name: string): name is MetadataName {
  return isMetadataName(name) && METADATA_NAMES[name].kind === 'networks';
}

export type CheckedGateway = IpAddress | typeof SUBNET_GATEWAY;

/** An address in its usual notation, or `subnet-gateway`. */
export function checkGateway(text: string): Checked<CheckedGateway> {
  return text === SUBNET_GATEWAY || text === METADATA + SUBNET_GATEWAY ? { value: SUBNET_GATEWAY } : checkAddress(text);
}

export function gateway(checked: CheckedGateway): IpAddress | FromMetadata {
  return checked === SUBNET_GATEWAY ? { metadata: SUBNET_GATEWAY } : checked;
}

export function familyOfGateway(checked: CheckedGateway): Family {
  return checked === SUBNET_GATEWAY ? METADATA_NAMES[SUBNET_GATEWAY].family : familyOf(checked);
}

/** By ipaddr.js's name of the range. */
const NOT_ONE_MACHINE: Readonly<Record<string, string>> = {
  unspecified: 'no address',
  broadcast: 'the address of a whole network (broadcast)',
  multicast: 'the address of a group (multicast)',
};

/** The address of one machine. */
export function checkAddress(text: string): Checked<IpAddress> {
  const [, bare = ''] = /^([0-9a-fA-F.:]+)\/\d+$/.exec(text) ?? [];
  if (ipaddr.isValid(bare)) return { problem: `${show(text)} is a network; write ${flow(bare)}` };
  const [address = '', zone] = text.split(/%(.*)/s);
  const value = ipAddress(address);
  if (value === null) {
    return { problem: `${show(text)} is not an IP address; write one such as 10.0.0.1 or fe80::1` };
  }
  if (zone !== undefined) return { problem: `${show(text)}: write only ${address}, and the interface as dev` };
  const unfit = NOT_ONE_MACHINE[rangeOf(value)];
  if (unfit !== undefined) return { problem: `${show(text)} is ${unfit}; write the address of one machine` };
  return { value };
}

/** `main`, `default` or a number. Names in /etc/iproute2/rt_tables belong to the host, and may differ elsewhere. */
export function checkTable(table: string | number): { readonly value: number } | { readonly problem: string } {
  const number = typeof table === 'number' ? table : (TABLES[table] ?? Number.NaN);
  if (number === LOCAL_TABLE || table === 'local')
    return { problem: 'the table local belongs to the kernel; write another table' };
  if (Number.isInteger(number) && number > 0 && number < 2 ** 32) return { value: number };
  return { problem: `${show(table)} is no table; write main, default or its number, 1 to 4294967295` };
}

export interface Destination {
  readonly to: Prefix | FromMetadata;
  readonly family: Family;
}

/**
 * The meaning of a destination; null for one that is wrong, and for a `default` without any sign of its family.
 * @param via a gateway of the route, if the route has one.
 */
export function destination(to: string, via: CheckedGateway | undefined): Destination | null {
  if (to === 'default') {
    if (via === undefined) return null;
    const family = familyOfGateway(via);
    return { to: DEFAULT[family], family };
  }
  if (to.startsWith(METADATA)) {
    const metadata = to.slice(METADATA.length);
    return isNetworks(metadata) ? { to: { metadata }, family: METADATA_NAMES[metadata].family } : null;
  }
  const checked = checkPrefix(to);
  return 'problem' in checked ? null : { to: checked.value, family: familyOf(checked.value) };
}

export function defaultMetric(family: Family): number {
  return DEFAULT_METRIC[family];
}
