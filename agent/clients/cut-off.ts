/**
 * Checks whether the hooks would cut the host off: `ignore` drops the server's default route, and the kernel may refuse
 * the configured route. In a cloud, for example, an interface has 10.156.0.7/32, and only a route from the lease leads
 * to its gateway.
 */
import ipaddr from 'ipaddr.js';
import type { DesiredDhcp, DesiredNexthop, DesiredRoute, DesiredState } from '../config/desired.ts';
import type { Host } from '../host/host.ts';
import { networkInterfaces } from '../host/looks.ts';
import { ignoredOffers } from './hook-values.ts';

/** The default route, or its two halves, which some operators write in its place. `ignore` concerns only IPv4. */
const DEFAULTS = ['0.0.0.0/0', '0.0.0.0/1', '128.0.0.0/1'];

/** Whether the client of an interface leaves routes of the offer. */
type LeavesRoutes = (dev: string) => boolean;

/**
 * A sentence with the cure; null if the host would not be cut off, or if no interface has an address yet.
 * @param leaves by default, `ignore` of dhclient's settings decides. Some clients also leave the routes of an option that they do not request.
 */
export function cutOff(host: Host, desired: DesiredState, leaves = ignoring(desired.dhclient)): string | null {
  return cutOffs(host, desired, leaves)[0]?.why ?? null;
}

/** A default route that would be lost, the interfaces whose offer is ignored, and a sentence with the cure. */
export interface CutOff {
  readonly devs: readonly string[];
  readonly why: string;
}

export function cutOffs(host: Host, desired: DesiredState, leaves: LeavesRoutes): CutOff[] {
  // Each look asks this, and among thousands of routes only a few are default routes.
  return lostGateways(host, desired, leaves, isDefault).map((lost) => ({ devs: lost.devs, why: cure(lost) }));
}

function cure({ via, dev, devs, own }: LostGateway): string {
  const where = devs.join(', ');
  const words = dev === null ? `dev: ${devs.length === 1 ? where : 'INTERFACE'} and onlink: true` : 'onlink: true';
  return (
    `with this the host would lose its default route at the next lease or boot: ${where} ignores the server's, and the kernel ` +
    `refuses the configured one, since ${via} is in no network of ${where} (${own.join(', ')}). Write ${words} beside via: ${via}`
  );
}

/** Why each of these routes cannot be made at the next lease: the way to its gateway comes from an ignored offer. */
export function lostAtLease(host: Host, desired: DesiredState): ReadonlyMap<DesiredRoute, string> {
  return new Map(
    lostGateways(host, desired, ignoring(desired.dhclient)).map(({ route, via, devs }) => {
      const where = devs.join(', ');
      return [
        route,
        `${via} is in no network of ${where}, and ${where} ignores the server's routes, so the kernel refuses this one at the next lease; if the gateway can be reached there all the same, write onlink: true`,
      ];
    }),
  );
}

/** A gateway that only an ignored offer of the lease makes reachable. */
interface LostGateway {
  readonly route: DesiredRoute;
  readonly via: string;
  /** As configured. */
  readonly dev: string | null;
  /** The interfaces on which the kernel looks for the gateway. */
  readonly devs: readonly string[];
  /** The addresses of these interfaces: `10.156.0.7/32`. */
  readonly own: readonly string[];
}

/** The interfaces that leave routes because `ignore` of these settings says so. */
export function ignoring(dhcp: DesiredDhcp): LeavesRoutes {
  return (dev) => ignoredOffers(dhcp, dev).some((offer) => offer !== 'router-advertisements');
}

/** `counts`: the routes whose gateways are looked at. */
function lostGateways(
  host: Host,
  { routes }: DesiredState,
  leaves: LeavesRoutes,
  counts: (route: DesiredRoute) => boolean = () => true,
): LostGateway[] {
  if (!host.live) return [];
  const direct = routes.flatMap(directNetworks);
  // Each call asks the kernel.
  const interfaces = networkInterfaces();
  const addressed = Object.keys(interfaces).filter((name) => name !== 'lo');
  return routes.filter(counts).flatMap((route) =>
    route.nexthops.flatMap(({ via, dev, onlink }): LostGateway[] => {
      if (typeof via !== 'string' || onlink) return [];
      // Without `dev` the kernel looks for the gateway on every interface.
      const devs = dev === null ? addressed : [dev];
      if (devs.length === 0 || !devs.every(leaves)) return [];
      const own = devs.flatMap((name) => (interfaces[name] ?? []).flatMap(({ cidr }) => cidr ?? []));
      const beside = direct.filter((one) => devs.includes(one.dev ?? '')).map(({ network }) => network);
      return isOnLink(via, own, beside) ? [] : [{ route, via, dev, devs, own }];
    }),
  );
}

function isDefault({ to }: DesiredRoute): boolean {
  return typeof to === 'string' && DEFAULTS.includes(to);
}

/**
 * Networks of the interfaces' own addresses and of configured routes without a gateway. A lease's routes do not count.
 */
function isOnLink(via: string, own: readonly string[], direct: readonly string[]): boolean {
  const gateway = ipaddr.parse(via);
  const ofFamily = own.filter((one) => ipaddr.parse(one.replace(/\/.*/, '')).kind() === gateway.kind());
  if (ofFamily.length === 0 || /^fe[89ab]/i.test(via)) return true;
  return [...ofFamily, ...direct]
    .map((network) => ipaddr.parseCIDR(network))
    .some(([base, length]) => {
      return base.kind() === gateway.kind() && gateway.match(base, length);
    });
}

function directNetworks({ to, nexthops }: DesiredRoute): { network: string; dev: string | null }[] {
  if (typeof to !== 'string') return [];
  return nexthops.filter(({ via }: DesiredNexthop) => via === null).map(({ dev }) => ({ network: to, dev }));
}
