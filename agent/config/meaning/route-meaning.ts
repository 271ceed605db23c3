/** A checked entry of `routes` → the route that the kernel's table should hold. */
import type { DesiredNexthop, DesiredRoute } from '../desired.ts';
import { checkInterfaceName } from '../notation/names.ts';
import {
  type CheckedGateway,
  checkAddress,
  checkGateway,
  checkTable,
  DEFAULT_TABLE,
  defaultMetric,
  destination,
  gateway,
} from '../notation/route-notation.ts';
import type { Config } from '../schema/config-schema.ts';
import { meantBy } from './meant-by.ts';

type Route = NonNullable<Config['routes']>[number];
type Nexthop = NonNullable<Route['nexthops']>[number];

export function desiredRoute(route: Route): DesiredRoute {
  const { type = 'unicast', nhid, src, mtu, takeOver = false } = route;
  const several = route.nexthops ?? [route];
  const { to, family } = destination(route.to, checkedVia(route))!;
  return {
    to,
    family,
    type,
    nexthops: type === 'unicast' && nhid === undefined ? several.map(nexthop) : [],
    nexthopId: nhid ?? null,
    table: route.table === undefined ? DEFAULT_TABLE : meantBy(checkTable(route.table)),
    metric: route.metric ?? defaultMetric(family),
    src: src === undefined ? null : meantBy(checkAddress(src)),
    mtu: mtu ?? null,
    takeOver,
  };
}

function checkedVia({ via, nexthops = [] }: Route): CheckedGateway | undefined {
  const first = via ?? nexthops.find((hop) => hop.via !== undefined)?.via;
  return first === undefined ? undefined : meantBy(checkGateway(first));
}

function nexthop({ via, dev, weight = 1, onlink = false }: Nexthop): DesiredNexthop {
  return {
    via: via === undefined ? null : gateway(meantBy(checkGateway(via))),
    dev: dev === undefined ? null : meantBy(checkInterfaceName(dev)),
    weight,
    onlink,
  };
}
