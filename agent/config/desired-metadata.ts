/** The values that a configuration may take from the metadata service of the cloud that the host runs in. */
import ipaddr from 'ipaddr.js';
import type { Family } from '../address/address.ts';

/**
 * EC2's names, used for every provider. Each name has its family, and says whether its values are networks
 * (`10.0.0.0/16`) or addresses (`10.0.1.1`).
 */
export const METADATA_NAMES = {
  'vpc-ipv4-cidr-block': { family: 'ipv4', kind: 'networks' },
  'vpc-ipv4-cidr-blocks': { family: 'ipv4', kind: 'networks' },
  'vpc-ipv6-cidr-blocks': { family: 'ipv6', kind: 'networks' },
  'subnet-ipv4-cidr-block': { family: 'ipv4', kind: 'networks' },
  'subnet-ipv6-cidr-blocks': { family: 'ipv6', kind: 'networks' },
  'subnet-gateway': { family: 'ipv4', kind: 'addresses' },
} as const satisfies Record<string, { family: Family; kind: 'networks' | 'addresses' }>;

export type MetadataName = keyof typeof METADATA_NAMES;

export function isMetadataName(name: string): name is MetadataName {
  return Object.hasOwn(METADATA_NAMES, name);
}

/** One value that the configuration wants from the metadata service. */
export interface MetadataWish {
  readonly name: MetadataName;
  /** The interface whose subnet and network are meant; null for the instance's first interface. */
  readonly interface: string | null;
}

export const METADATA_PROVIDERS = ['ec2', 'gcp', 'azure'] as const;
export type MetadataProvider = (typeof METADATA_PROVIDERS)[number];

/** The link-local address of every provider's service (RFC 3927). */
export const METADATA_ADDRESS = '169.254.169.254';

export interface MetadataEndpoint {
  /** An IPv4 or IPv6 address, never a name. */
  readonly host: string;
  readonly port: number;
}

export interface DesiredMetadata {
  /** auto: the provider that the machine's firmware names. */
  readonly provider: MetadataProvider | 'auto';
  readonly endpoint: MetadataEndpoint;
  /** Milliseconds between the daemon's fetches. */
  readonly interval: number;
}

const HTTP_PORT = 80;

/** `169.254.169.254`, `127.0.0.1:1338`, `[fd00:ec2::254]` or `[::1]:1338`; null if the text has none of these forms. */
export function metadataEndpoint(text: string): MetadataEndpoint | null {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+))(?::([0-9]{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? '';
  const valid = bracketed === undefined ? ipaddr.IPv4.isValidFourPartDecimal(host) : ipaddr.IPv6.isValid(host);
  const port = digits === undefined ? HTTP_PORT : Number(digits);
  return valid && port > 0 && port < 65_536 ? { host, port } : null;
}
