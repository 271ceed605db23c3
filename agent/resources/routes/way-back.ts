/** Deletes every route of Holdfast from the kernel, and puts back the routes that it had replaced. */
import type { Outcome } from '../../hold/resource.ts';
import type { Host } from '../../host/host.ts';
import { keyText } from '../../host/netlink/routes/route-key.ts';
import { deleteRoute, listRoutes } from '../../host/netlink/routes/route-table.ts';
import type { SeenRoute } from '../../host/netlink/routes/seen-route.ts';
import { NetlinkSocket } from '../../host/netlink/socket.ts';
import { HOLDFAST } from '../../host/netlink/table-names.ts';
import { routeName } from '../../metadata/wanted-routes.ts';
import { readRouteRecord, removeRouteRecord } from './made.ts';
import { giveBack, givenBack } from './make.ts';

/** Milliseconds. All routes of the host are listed, of both families. */
const TIME = 60_000;

/** Returns one outcome for each present route, recorded or not. Looks at nothing if Holdfast never made a route. */
export async function revertRoutes(host: Host): Promise<Outcome[]> {
  if (!host.live) return [];
  const signal = AbortSignal.timeout(TIME);
  const made = new Map(readRouteRecord(host).map((one) => [keyText(one), one]));
  const outcomes: Outcome[] = [];
  using socket = await NetlinkSocket.open();
  for (const family of ['ipv4', 'ipv6'] as const) {
    for (const route of await listRoutes(socket, family, { protocol: HOLDFAST }, signal)) {
      const replaced = made.get(keyText(route))?.replaced ?? null;
      outcomes.push(await takeAway(socket, route, replaced, signal));
    }
  }
  if (outcomes.every(({ result }) => result === 'changed')) removeRouteRecord(host);
  return outcomes;
}

async function takeAway(
  socket: NetlinkSocket,
  route: SeenRoute,
  replaced: string | null,
  signal: AbortSignal,
): Promise<Outcome> {
  const outcome = { resource: 'revert', key: `route ${routeName(route)}`, moment: 'now', actual: null } as const;
  const given = replaced === null ? null : await giveBack(socket, replaced);
  const note = given === null ? {} : { reason: givenBack(given) };
  if (given === 'given') return { ...outcome, result: 'changed', ...note };
  const refusal = await deleteRoute(socket, route, signal);
  if (refusal === null || refusal === 'ESRCH') return { ...outcome, result: 'changed', ...note };
  return { ...outcome, result: 'failed', reason: `the kernel refuses to delete the route (${refusal})` };
}
