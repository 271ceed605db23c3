/** What the configuration leaves to the cloud. Who resolves a route asks for the very same. */
import type { ConfiguredState, DesiredNexthop, DesiredRoute, FromMetadata } from '../config/desired.ts';
import type { MetadataWish } from '../config/metadata.ts';

/** Each once. */
export function wishesOf({ routes }: Pick<ConfiguredState, 'routes'>): MetadataWish[] {
  const all = routes.flatMap((route) => [destinationWish(route), ...route.nexthops.map(gatewayWish)]);
  return [...new Map(all.flatMap((wish) => (wish === null ? [] : [[wishKey(wish), wish] as const]))).values()];
}

/** The network of the interface that the route leads to; null: its destination is written. */
export function destinationWish({ to, nexthops }: Pick<DesiredRoute, 'to' | 'nexthops'>): MetadataWish | null {
  return wish(to, nexthops.find(({ dev }) => dev !== null)?.dev ?? null);
}

/** null: it is written, or there is none. */
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
