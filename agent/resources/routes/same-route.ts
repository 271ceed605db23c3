/** Whether the kernel's route is the wanted one. */
import type { Route, RouteHop } from '../../host/netlink/routes/route.ts';
import type { SeenRoute } from '../../host/netlink/routes/seen-route.ts';

/** Whether two routes are the same apart from their maker. Values that the wanted route leaves open may differ. */
export function sameRoute(wanted: Route, there: SeenRoute): boolean {
  if (wanted.src !== there.src || wanted.mtu !== there.mtu) return false;
  // The nexthop object decides the type and the next hops.
  if (wanted.nexthopId !== null) return wanted.nexthopId === there.nexthopId && there.expires === null;
  if (wanted.type !== there.type) return false;
  if (wanted.hops.length !== there.hops.length || there.expires !== null) return false;
  const left = [...there.hops];
  return wanted.hops.every((hop) => {
    const at = left.findIndex((other) => sameHop(hop, other, wanted.hops.length > 1));
    if (at !== -1) left.splice(at, 1);
    return at !== -1;
  });
}

/** `onlink` only makes the kernel accept the gateway unchecked: packets go the same way with and without it. */
function sameHop(wanted: RouteHop, there: RouteHop, several: boolean): boolean {
  return (
    wanted.gateway === there.gateway &&
    (wanted.index === 0 || wanted.index === there.index) &&
    (!several || wanted.weight === there.weight)
  );
}
