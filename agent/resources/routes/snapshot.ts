/** The routes that a change may touch, byte for byte, and how they come back. */
import type { Family } from '../../address/address.ts';
import type { Host } from '../../host/host.ts';
import { type KeptRoute, keptRoute, restoreRoutes } from '../../host/netlink/routes/restore-routes.ts';
import type { RouteKey } from '../../host/netlink/routes/route-key.ts';
import { listRoutes } from '../../host/netlink/routes/route-table.ts';
import type { SeenRoute } from '../../host/netlink/routes/seen-route.ts';
import { NetlinkSocket } from '../../host/netlink/socket.ts';
import { HOLDFAST } from '../../host/netlink/table-names.ts';
import { putBackRouteRecords, type RouteRecords, routeRecords } from './made.ts';

/** Milliseconds. All routes of a family may be listed. */
const TIME = 60_000;

interface RoutesSnapshot {
  readonly keys: readonly RouteKey[];
  readonly routes: readonly KeptRoute[];
  readonly records: RouteRecords;
}

/** Throws NetlinkError. */
export async function routesSnapshot(host: Host, keys: readonly RouteKey[]): Promise<RoutesSnapshot> {
  using socket = await NetlinkSocket.open();
  return { keys, routes: (await present(socket, keys)).map(keptRoute), records: routeRecords(host) };
}

/** Throws NetlinkError. */
export async function putBackRoutes(host: Host, snapshot: unknown, kernel: boolean): Promise<string | null> {
  // The record of made routes is in /run, and a reboot has removed it together with the routes.
  if (!kernel) return null;
  const { keys, routes, records } = snapshot as RoutesSnapshot;
  using socket = await NetlinkSocket.open();
  const now = await present(socket, keys);
  const isOurs = ({ protocol }: SeenRoute) => protocol === HOLDFAST;
  const problems = await restoreRoutes(socket, routes, now, isOurs, AbortSignal.timeout(TIME));
  putBackRouteRecords(host, records);
  return problems.length === 0 ? null : problems.join('; ');
}

async function present(socket: NetlinkSocket, keys: readonly RouteKey[]): Promise<SeenRoute[]> {
  const found: SeenRoute[] = [];
  for (const family of ['ipv4', 'ipv6'] as const satisfies readonly Family[]) {
    const own = keys.filter((key) => key.family === family);
    if (own.length > 0) found.push(...(await listRoutes(socket, family, { keys: own }, AbortSignal.timeout(TIME))));
  }
  return found;
}
