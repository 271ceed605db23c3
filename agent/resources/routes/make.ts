/** Puts routes into the kernel and takes them out again, many in one pass. */

import type { Outcome } from '../../hold/resource.ts';
import type { Host } from '../../host/host.ts';
import { deleteRoute, putRoute, type RouteRefusal } from '../../host/netlink/route-table.ts';
import type { NetlinkSocket } from '../../host/netlink/socket.ts';
import { HOLDFAST } from '../../host/netlink/table-names.ts';
import type { WantedEntry, WantedRoute } from '../../metadata/wanted-routes.ts';
import { isPassing, type RouteLook, type RouteStanding } from './compare.ts';
import { madeKey, outcome, routeOutcome } from './findings.ts';
import { forgetRoutes, type MadeRoute, rememberRoutes } from './made.ts';

/** Milliseconds for one pass over all routes. The kernel answers within its system calls. */
const TIME = 20_000;

export interface RouteWish {
  readonly wanted: WantedEntry;
  readonly route: WantedRoute;
}

/**
 * Looks at each route again, because the host may have changed since the last look. Makes routes that are absent or
 * different, and reads them back. `look` returns a new look at the kernel: one before the changes, one afterwards.
 * Outcomes are in the order of the wishes. Throws NetlinkError and HostError.
 */
export async function makeRoutes(
  host: Host,
  socket: NetlinkSocket,
  wishes: readonly RouteWish[],
  look: () => RouteLook,
): Promise<Outcome[]> {
  const before = await standings(look(), wishes);
  const changes = wishes.flatMap(({ wanted, route: wish }, i) => {
    const { is, route, there } = before[i]!;
    return route !== null && (is === 'absent' || is === 'changed') ? [{ i, wanted, wish, route, there }] : [];
  });
  // The record is written first, so that it never lacks a route that was made.
  const made = changes.map(({ route: { family, destination, table, metric }, there, wanted }) => {
    const replaced = there !== null && there.protocol !== HOLDFAST ? there.body.toString('hex') : null;
    return { family, destination, table, metric, wish: wanted.wish, replaced };
  });
  if (made.length > 0) rememberRoutes(host, made);
  const refusals = new Map<number, RouteRefusal>();
  for (const { i, route, there } of changes) {
    refusals.set(i, await putRoute(socket, route, { replace: there !== null }, signal()));
  }
  const after = look();
  const outcomes: Outcome[] = [];
  for (const [i, { wanted, route }] of wishes.entries()) {
    const refusal = refusals.get(i);
    if (refusal === undefined) outcomes.push(routeOutcome(wanted, before[i]!, await after.actual(before[i]!)));
    else if (refusal !== null) outcomes.push(refused(wanted, refusal, isPassing(refusal, route)));
    else {
      const stands = await after.standing(route);
      outcomes.push(readBack(wanted, stands, await after.actual(stands)));
    }
  }
  return outcomes;
}

async function standings(look: RouteLook, wishes: readonly RouteWish[]): Promise<RouteStanding[]> {
  const found: RouteStanding[] = [];
  for (const { route } of wishes) found.push(await look.standing(route));
  return found;
}

function refused(wanted: WantedEntry, refusal: string, passing: boolean): Outcome {
  const reason = passing
    ? `the kernel has no way to its next hop now (${refusal})`
    : `the kernel refuses it (${refusal})`;
  return routeOutcome(wanted, { is: passing ? 'waiting' : 'refused', reason }, null);
}

function readBack(wanted: WantedEntry, stands: RouteStanding, actual: string | null): Outcome {
  const right = stands.is === 'right' || stands.is === 'part';
  const told = routeOutcome(wanted, stands, actual, 'changed');
  return right ? told : { ...told, result: 'failed', changed: true };
}

/** Deletes one of our routes, or puts back the route that it had replaced. Throws NetlinkError and HostError. */
export async function takeAway(host: Host, socket: NetlinkSocket, made: MadeRoute): Promise<Outcome> {
  const given = made.replaced === null ? null : await giveBack(socket, made.replaced);
  const gone = given === 'given' ? null : await deleteRoute(socket, { ...made, protocol: HOLDFAST }, signal());
  if (gone !== null && gone !== 'ESRCH') {
    return outcome(madeKey(made), {
      result: 'failed',
      actual: null,
      reason: `the kernel does not delete it (${gone})`,
    });
  }
  forgetRoutes(host, [made]);
  return outcome(madeKey(made), {
    ...{ result: 'changed', actual: null },
    ...(given === null ? {} : { reason: givenBack(given) }),
  });
}

/** Replaces our route by the earlier one in one step. The kernel may refuse, because the interface may be gone. */
export async function giveBack(socket: NetlinkSocket, body: string): Promise<string> {
  return (await putRoute(socket, Buffer.from(body, 'hex'), { replace: true }, signal())) ?? 'given';
}

export function givenBack(given: string): string {
  return given === 'given'
    ? 'the route that was there before is there again'
    : `the route that was there before is refused by the kernel now (${given})`;
}

function signal(): AbortSignal {
  return AbortSignal.timeout(TIME);
}
