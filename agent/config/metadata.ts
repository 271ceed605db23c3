/** What a configuration may take from the metadata service of the cloud that the host runs in. */

/**
 * Named as EC2 names them, for every provider. Each with its family, and whether its values are networks (`10.0.0.0/16`)
 * or addresses (`10.0.1.1`).
 */
export const METADATA_NAMES = {
  'vpc-ipv4-cidr-block': { family: 'ipv4', kind: 'networks' },
  'vpc-ipv4-cidr-blocks': { family: 'ipv4', kind: 'networks' },
  'vpc-ipv6-cidr-blocks': { family: 'ipv6', kind: 'networks' },
  'subnet-ipv4-cidr-block': { family: 'ipv4', kind: 'networks' },
  'subnet-ipv6-cidr-blocks': { family: 'ipv6', kind: 'networks' },
  'subnet-gateway': { family: 'ipv4', kind: 'addresses' },
} as const satisfies Record<string, { family: 'ipv4' | 'ipv6'; kind: 'networks' | 'addresses' }>;

export type MetadataName = keyof typeof METADATA_NAMES;

export function isMetadataName(name: string): name is MetadataName {
  return Object.hasOwn(METADATA_NAMES, name);
}

/** One thing that is wanted of it. */
export interface MetadataWish {
  readonly name: MetadataName;
  /** The interface whose subnet and network are meant; null: the instance's first. */
  readonly interface: string | null;
}
