/** Puts routes into the kernel and takes them out again, many in one pass. */
import type { Outcome } from '../../hold/resource.ts';
import type { Host } from '../../host/host.ts';
import { deleteRoute, putRoutes } from '../../host/netlink/routes/route-table.ts';
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
  /** How the route was found a moment ago. */
  readonly found: RouteStanding;
}

/**
 * Makes routes that are absent or different, and reads them back. If another program made a route of the same key since it
 * was found absent, the kernel refuses ours (EEXIST). `after` looks at the kernel after the changes. Outcomes are in the
 * order of the wishes. Throws NetlinkError and HostError.
 */
export async function makeRoutes(
  host: Host,
  socket: NetlinkSocket,
  wishes: readonly RouteWish[],
  after: RouteLook,
): Promise<Outcome[]> {
  const changes = wishes.flatMap(({ wanted, route: wish, found: { is, route, there } }, i) => {
    return route !== null && (is === 'absent' || is === 'changed') ? [{ i, wanted, wish, route, there }] : [];
  });
  // The record is written first, so that it never lacks a route that was made.
  const noted = changes.map(({ route: { family, destination, table, metric }, there, wanted }) => {
    const replaced = there !== null && there.protocol !== HOLDFAST ? there.body.toString('hex') : null;
    return { family, destination, table, metric, wish: wanted.wish, replaced };
  });
  if (noted.length > 0) rememberRoutes(host, noted);
  const put = changes.map(({ route, there }) => ({ route, replace: there !== null }));
  const answers = await putRoutes(socket, put, signal());
  const refusals = new Map(changes.map(({ i }, nth) => [i, answers[nth]!]));
  const taken = changes.filter(({ i }) => refusals.get(i) === null);
  const made = await after.standings(taken.map(({ wish }) => wish));
  const stands = new Map(taken.map(({ i }, nth) => [i, made[nth]!]));
  const outcomes: Outcome[] = [];
  for (const [i, { wanted, route, found }] of wishes.entries()) {
    const [refusal, stand] = [refusals.get(i), stands.get(i) ?? found];
    if (refusal === undefined) outcomes.push(routeOutcome(wanted, stand, await after.actual(stand)));
    else if (refusal === null) outcomes.push(readBack(wanted, stand, await after.actual(stand)));
    else outcomes.push(refused(wanted, refusal, isPassing(refusal, route)));
  }
  return outcomes;
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
  const reason = stands.reason ?? 'the change does not stay: another program changes the route again at once';
  return right ? told : { ...told, reason, result: 'failed', changed: true };
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
  const [refusal] = await putRoutes(socket, [{ route: Buffer.from(body, 'hex'), replace: true }], signal());
  return refusal ?? 'given';
}

export function givenBack(given: string): string {
  return given === 'given'
    ? 'the route that was there before is there again'
    : `the route that was there before is refused by the kernel now (${given})`;
}

function signal(): AbortSignal {
  return AbortSignal.timeout(TIME);
}
