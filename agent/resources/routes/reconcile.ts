/**
 * The routes resource if there are routes to keep: findings of each wanted route, and of our routes that are no longer
 * wanted.
 */

import { hookPlaces } from '../../clients/dhclient/hooks/hook-places.ts';
import { dhclientInstalled } from '../../clients/dhclient/installed.ts';
import { type DesiredRoute, isWritten } from '../../config/desired.ts';
import type { DesiredMetadata } from '../../config/desired-metadata.ts';
import { appliedAtBoot } from '../../hold/boot-apply.ts';
import type { Finding, Outcome } from '../../hold/resource.ts';
import type { Host } from '../../host/host.ts';
import { keyText, type RouteKey } from '../../host/netlink/route-key.ts';
import { NetlinkSocket } from '../../host/netlink/socket.ts';
import { HOLDFAST } from '../../host/netlink/table-names.ts';
import { Metadata } from '../../metadata/metadata.ts';
import { type WantedEntry, wantedRoutes } from '../../metadata/wanted-routes.ts';
import { wishesOf } from '../../metadata/wishes.ts';
import { RouteLook } from './compare.ts';
import {
  type Foretold,
  madeKey,
  outcome,
  routeKey,
  skipped,
  standingFinding,
  unwantedFinding,
  wantedFinding,
} from './findings.ts';
import { type MadeRoute, pruneRouteRecord, readRouteRecord } from './made.ts';
import { makeRoutes, type RouteWish, takeAway } from './make.ts';

/** Milliseconds for one look at all routes. The kernel answers within its system calls. */
const TIME = 20_000;

/** The configured and recorded routes at one moment, for one look or one change. */
export class KeptRoutes {
  readonly #host: Host;
  readonly #wanted: readonly WantedEntry[];
  /** Names of routes that the exit hook also makes. */
  readonly #hooked: ReadonlySet<string>;
  /** Our routes that are no longer configured. */
  readonly #unwanted: readonly MadeRoute[];

  constructor(host: Host, routes: readonly DesiredRoute[], metadata: DesiredMetadata) {
    this.#host = host;
    const wishes = wishesOf({ routes });
    this.#wanted = wantedRoutes(routes, wishes.length === 0 ? null : new Metadata(host, metadata, wishes));
    this.#hooked = new Set(wantedRoutes(routes.filter(isWritten), null).map(({ name }) => `routes.${name}`));
    this.#unwanted = unwantedOf(readRouteRecord(host), this.#wanted);
  }

  async inspect(): Promise<Finding[]> {
    if (!this.#host.live) return this.#wanted.map(skipped);
    using socket = await NetlinkSocket.open();
    const look = this.#look(socket);
    const foretold = this.#foretold();
    const findings: Finding[] = [];
    for (const wanted of this.#wanted) {
      const { route, problem } = wanted;
      const unknown = { state: 'unknown', actual: null, reason: problem } as const;
      if (route === null) {
        findings.push(wantedFinding(wanted, unknown, foretold));
        continue;
      }
      const standing = await look.standing(route);
      findings.push(standingFinding(wanted, standing, await look.actual(standing), foretold));
    }
    const gone: MadeRoute[] = [];
    for (const made of this.#unwanted) {
      const there = await look.find(made);
      if (there?.protocol === HOLDFAST) findings.push(unwantedFinding(made, await look.describe(there)));
      else gone.push(made);
    }
    await pruneRouteRecord(this.#host, gone);
    return findings;
  }

  /** For the moment `lease`, only doubts are reported: the finding of the hook says that the hook is in its place. */
  #foretold(): Foretold {
    const atBoot = appliedAtBoot(this.#host);
    let leased: boolean | undefined;
    return (now, doubtful) => {
      const boot = atBoot(now);
      if (!doubtful) return [boot];
      const unsure = { ...now, state: 'unknown', actual: null } as const;
      leased ??= hookPlaces(this.#host) !== null && dhclientInstalled(this.#host);
      return [
        ...(leased && this.#hooked.has(now.setting) ? [{ ...unsure, moment: 'lease' } as const] : []),
        boot.state === 'ok' ? { ...unsure, moment: 'boot' } : boot,
      ];
    };
  }

  /** The keys of the routes in its findings. */
  keys(): Map<string, RouteKey> {
    const wanted = this.#wanted.flatMap((one) => (one.route === null ? [] : [[routeKey(one), one.route] as const]));
    return new Map<string, RouteKey>([...wanted, ...this.#unwanted.map((made) => [madeKey(made), made] as const)]);
  }

  /** Applies all in one pass, wanted routes first. Outcomes are in the order of the findings. */
  async apply(findings: readonly Finding[]): Promise<Outcome[]> {
    using socket = await NetlinkSocket.open();
    const wanted = new Map(this.#wanted.map((one) => [routeKey(one), one]));
    const unwanted = new Map(this.#unwanted.map((made) => [madeKey(made), made]));
    const wishes = findings.flatMap(({ key }): RouteWish[] => {
      const one = wanted.get(key);
      return one?.route == null ? [] : [{ wanted: one, route: one.route }];
    });
    const outcomes = new Map<string, Outcome>();
    for (const one of await makeRoutes(this.#host, socket, wishes, () => this.#look(socket))) {
      outcomes.set(one.key, one);
    }
    for (const { key } of findings.filter((one) => !outcomes.has(one.key))) {
      const made = unwanted.get(key);
      const reason = wanted.get(key)?.problem ?? 'the route is no longer wanted';
      const none = outcome(key, { result: 'skipped', actual: null, reason });
      outcomes.set(key, made === undefined ? none : await takeAway(this.#host, socket, made));
    }
    return findings.map(({ key }) => outcomes.get(key)!);
  }

  #look(socket: NetlinkSocket): RouteLook {
    return new RouteLook(socket, [...this.keys().values()], AbortSignal.timeout(TIME));
  }
}

/** Whether a route may still be wanted, because the metadata is not known yet. */
function unwantedOf(record: readonly MadeRoute[], wanted: readonly WantedEntry[]): MadeRoute[] {
  const open = new Set(wanted.flatMap(({ route, wish }) => (route === null ? [wish] : [])));
  const keys = new Set(wanted.flatMap(({ route }) => (route === null ? [] : [keyText(route)])));
  return record.filter((made) => !keys.has(keyText(made)) && (made.wish === null || !open.has(made.wish)));
}
