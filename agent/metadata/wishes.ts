/** The values that the configuration takes from the cloud. Resolving a route uses the same keys. */
import type { ConfiguredState, DesiredNexthop, DesiredRoute, FromMetadata } from '../config/desired.ts';
import type { MetadataWish } from '../config/desired-metadata.ts';

/** Every wish of the routes, each once. */
export function wishesOf({ routes }: Pick<ConfiguredState, 'routes'>): MetadataWish[] {
  const all = routes.flatMap((route) => [destinationWish(route), ...route.nexthops.map(gatewayWish)]);
  return [...new Map(all.flatMap((wish) => (wish === null ? [] : [[wishKey(wish), wish] as const]))).values()];
}

/** The wish for the route's destination; null if the configuration writes the destination. */
export function destinationWish({ to, nexthops }: Pick<DesiredRoute, 'to' | 'nexthops'>): MetadataWish | null {
  return wish(to, nexthops.find(({ dev }) => dev !== null)?.dev ?? null);
}

/** The wish for a next hop's gateway; null if the configuration writes it, or there is no gateway. */
export function gatewayWish({ via, dev }: Pick<DesiredNexthop, 'via' | 'dev'>): MetadataWish | null {
  return wish(via, dev);
}

/** `vpc-ipv4-cidr-blocks`, `subnet-gateway eth1`. */
export function wishKey({ name, interface: device }: MetadataWish): string {
  return device === null ? name : `${name} ${device}`;
}

function wish(value: string | FromMetadata | null, device: string | null): MetadataWish | null {
  return value === null || typeof value === 'string' ? null : { name: value.metadata, interface: device };
}
