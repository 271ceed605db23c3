/**
 * Whether the hooks would cut the host off: `ignore` keeps the server's default route from the host, and the kernel refuses the
 * configured one in its place. In a cloud an interface has 10.156.0.7/32, and its gateway is reached by a route that came
 * with the lease.
 */
import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';
import type { DesiredNexthop, DesiredState } from '../config/desired.ts';
import type { Host } from '../host/host.ts';

const DEFAULTS = ['0.0.0.0/0', '::/0'];

/** A sentence with the cure; null: it would not, or its interface has no address yet and nothing can be told. */
export function cutOff(host: Host, { routes, dhclient }: DesiredState): string | null {
  const ignores = (dev: string) =>
    dhclient.global.ignore.length + (dhclient.interfaces.get(dev)?.ignore.length ?? 0) > 0;
  const found = routes
    .filter(({ to }) => typeof to === 'string' && DEFAULTS.includes(to))
    .flatMap(({ nexthops }) => nexthops)
    .flatMap(({ via, dev, onlink }) => (typeof via !== 'string' || dev === null || onlink ? [] : [{ via, dev }]))
    .find(({ via, dev }) => ignores(dev) && !isOnLink(host, { via, dev }, routes.flatMap(directNetworks)));
  if (found === undefined) return null;
  const { via, dev } = found;
  const own = addressesOf(host, dev).join(', ');
  return (
    `with this the host would lose its default route at the next lease or boot: ${dev} ignores the server's, and the kernel ` +
    `refuses the configured one, since ${via} is in no network of ${dev} (${own}). Write onlink: true beside via: ${via}`
  );
}

/** Of the interface's own addresses, or of a configured route that needs no gateway; what a lease brings does not count. */
function isOnLink(
  host: Host,
  { via, dev }: { readonly via: string; readonly dev: string },
  direct: readonly { readonly network: string; readonly dev: string | null }[],
): boolean {
  const gateway = ipaddr.parse(via);
  const own = addressesOf(host, dev).filter((one) => ipaddr.parse(one.replace(/\/.*/, '')).kind() === gateway.kind());
  if (own.length === 0 || /^fe[89ab]/i.test(via)) return true;
  const networks = [...own, ...direct.filter((one) => one.dev === dev).map(({ network }) => network)];
  return networks
    .map((network) => ipaddr.parseCIDR(network))
    .some(([base, length]) => {
      return base.kind() === gateway.kind() && gateway.match(base, length);
    });
}

function directNetworks({ to, nexthops }: DesiredState['routes'][number]): { network: string; dev: string | null }[] {
  if (typeof to !== 'string') return [];
  return nexthops.filter(({ via }: DesiredNexthop) => via === null).map(({ dev }) => ({ network: to, dev }));
}

/** `10.156.0.7/32`; none where the kernel is not that of these files. */
function addressesOf(host: Host, dev: string): string[] {
  if (!host.live) return [];
  return (networkInterfaces()[dev] ?? []).flatMap(({ cidr }) => cidr ?? []);
}
